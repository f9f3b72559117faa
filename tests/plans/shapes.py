"""Shapes of functions, sound and unsound, by which the proof of locality is tried.

``a`` has the columns ``k: Int64, d: Date, v: Int64, c: String``; ``b`` has ``k: Int64``, ``name:
String`` and ``g: Int64``. Both hold nulls.
"""

from __future__ import annotations

from collections.abc import Callable

import polars as pl

Shape = Callable[[pl.LazyFrame, pl.LazyFrame], pl.LazyFrame]
MONTH = pl.col("d").dt.truncate("1mo")
AS_WE_ASK = pl.col("k").is_in(pl.Series([None], dtype=pl.Int64).implode(), nulls_equal=True)
"""A filter of the user that is the question that the proof asks."""


def a_step_for_each_column(a: pl.LazyFrame, b: pl.LazyFrame) -> pl.LazyFrame:
    for name in a.collect_schema().names():
        a = a.with_columns(pl.col(name))
    by_month = a.with_columns(m=MONTH)
    return by_month.with_columns(m=pl.col("m").dt.offset_by("1mo")).group_by("m").agg(pl.len())


def one_name_for_two_columns(a: pl.LazyFrame, b: pl.LazyFrame) -> pl.LazyFrame:
    both = a.with_columns(m=MONTH, q=pl.col("d").dt.truncate("1q"))
    twice = pl.concat([both.select("m", "v"), both.select(m="q", v="k")])
    return twice.group_by("m").agg(pl.col("v").sum())


SHAPES: dict[str, Shape] = {
    "a step for each column": a_step_for_each_column,
    "one name for two columns": one_name_for_two_columns,
    "running sum of a frame": (
        lambda a, b: a.map_batches(
            lambda x: x.with_columns(pl.col("v").cum_sum()), predicate_pushdown=True
        )
    ),
    "columns by their place": (lambda a, b: a.select("k", last=pl.nth(-1))),
    "joined to itself by another column": (lambda a, b: a.join(a.select(k="v", w="k"), on="k")),
    "the month before": (
        lambda a, b: (
            lambda x: x.join(
                x.group_by(m=pl.col("m").dt.offset_by("1mo")).agg(p=pl.col("v").sum()),
                on="m",
                how="left",
            )
        )(a.with_columns(m=MONTH))
    ),
    "two steps of one name": (
        lambda a, b: (
            lambda x: x.with_columns(m=pl.col("m").dt.offset_by("1mo")).join(
                x.group_by("m").agg(n=pl.len()), on="m", how="left"
            )
        )(a.with_columns(m=MONTH))
    ),
    "beside each other": (
        lambda a, b: pl.concat([a.select("k"), b.select("name")], how="horizontal")
    ),
    "every day": (
        lambda a, b: a.select(pl.date_range(pl.col("d").min(), pl.col("d").max()).alias("d")).join(
            a, on="d", how="left"
        )
    ),
    "rows of the code": (lambda a, b: pl.LazyFrame({"k": [1, 2, 9]}).join(a, on="k", how="left")),
    "changed by another": (lambda a, b: a.update(b.select("k", v="g"), on="k")),
    "each window for itself": (
        lambda a, b: a.sort("v", "d", "c", "k").select(
            pl.col("k").over("c", mapping_strategy="explode"), pl.col("v")
        )
    ),
    "a filter and a count": (
        lambda a, b: (
            a.with_columns(o=pl.col("v") > 2).filter(pl.col("o").is_null()).with_columns(n=pl.len())
        )
    ),
    "rowwise": (lambda a, b: a.with_columns(w=pl.col("v") * 2).filter(pl.col("v") > 0)),
    "renamed": (lambda a, b: a.rename({"k": "kk"})),
    "cast key": (lambda a, b: a.with_columns(kk=pl.col("k").cast(pl.String))),
    "derived month": (
        lambda a, b: a.group_by(m=pl.col("d").dt.truncate("1mo")).agg(pl.col("v").sum())
    ),
    "group": (lambda a, b: a.group_by("k").agg(pl.col("v").sum())),
    "two keys": (lambda a, b: a.group_by("k", "c").agg(pl.col("v").sum())),
    "unique last": (
        lambda a, b: a.sort("d", "v", "c").unique(subset="k", keep="last", maintain_order=True)
    ),
    "over k": (
        lambda a, b: a.sort("d", "v", "c").with_columns(nxt=pl.col("d").shift(-1).over("k"))
    ),
    "over c, J k": (lambda a, b: a.with_columns(r=pl.col("v").sum().over("c"))),
    "over expr": (lambda a, b: a.with_columns(r=pl.col("v").sum().over(pl.col("k") % 2))),
    "cum no over": (lambda a, b: a.sort("d", "v", "c", "k").with_columns(r=pl.col("v").cum_sum())),
    "row index": (lambda a, b: a.sort("k", "d", "v", "c").with_row_index("i")),
    "shift": (lambda a, b: a.sort("k", "d", "v", "c").with_columns(p=pl.col("v").shift())),
    "fill fwd": (
        lambda a, b: a.sort("k", "d", "v", "c").with_columns(p=pl.col("v").forward_fill())
    ),
    "left join right col J": (
        lambda a, b: a.join(
            b.unique("k", keep="first", maintain_order=True).select("k", "name"), on="k", how="left"
        )
    ),
    "left join J key": (lambda a, b: a.join(b.select("k", "name"), on="k", how="left")),
    "left join J left col": (lambda a, b: a.join(b.select("k", "name"), on="k", how="left")),
    "inner J right col": (lambda a, b: a.join(b.select("k", "name"), on="k")),
    "anti": (lambda a, b: a.join(b, on="k", how="anti")),
    "semi": (lambda a, b: a.join(b, on="k", how="semi")),
    "anti J c": (lambda a, b: a.join(b, on="k", how="anti")),
    "full": (lambda a, b: a.join(b.select("k", "name"), on="k", how="full", coalesce=True)),
    "full nocoal": (lambda a, b: a.join(b.select("k", "name"), on="k", how="full")),
    "right join": (lambda a, b: a.join(b.select("k", "name"), on="k", how="right")),
    "cross": (lambda a, b: a.select("k", "v").join(b.select("name"), how="cross")),
    "self join other": (lambda a, b: a.join(a.group_by("c").agg(t=pl.col("v").sum()), on="c")),
    "self join same": (lambda a, b: a.join(a.group_by("k").agg(t=pl.col("v").sum()), on="k")),
    "concat": (lambda a, b: pl.concat([a.select("k", "v"), b.select("k", v="g")])),
    "concat diag": (lambda a, b: pl.concat([a, b], how="diagonal")),
    "agg over total": (
        lambda a, b: (
            a.group_by("k").agg(pl.col("v").sum()).with_columns(s=pl.col("v") / pl.col("v").sum())
        )
    ),
    "filter by mean": (lambda a, b: a.filter(pl.col("v") > pl.col("v").mean())),
    "top per k": (lambda a, b: a.group_by("k").agg(pl.col("v").top_k(2).sort().alias("top"))),
    "head": (lambda a, b: a.sort("v", "k", "d", "c").head(3)),
    "group head": (lambda a, b: a.sort("v", "d", "c").group_by("k").head(1)),
    "unpivot": (lambda a, b: b.select("k", "g", h=pl.col("g") * 2).unpivot(index="k")),
    "explode": (lambda a, b: a.with_columns(l=pl.concat_list("v", "v")).explode("l")),
    "J constant": (lambda a, b: a.group_by("k").agg(pl.col("v").sum()).with_columns(x=pl.lit(1))),
    "J agg": (lambda a, b: a.group_by("k").agg(pl.col("v").sum())),
    "asof by": (
        lambda a, b: a.sort("d").join_asof(a.sort("d").select("k", "d", z="v"), on="d", by="k")
    ),
    "rolling over": (
        lambda a, b: a.sort("d", "v", "c").with_columns(r=pl.col("v").rolling_sum(2).over("k"))
    ),
    "is_in other frame": (lambda a, b: a.with_columns(f=pl.col("k").is_in([1, 2]))),
    "udf": (
        lambda a, b: a.with_columns(
            u=pl.col("v").map_elements(lambda x: x + 1, return_dtype=pl.Int64)
        )
    ),
    "map_batches expr": (
        lambda a, b: a.with_columns(
            u=pl.col("v").map_batches(lambda s: s - s.sum(), return_dtype=pl.Int64)
        )
    ),
    "map_batches frame": (lambda a, b: a.map_batches(lambda x: x)),
    "join_where": (
        lambda a, b: a.select("k", "v").join_where(
            b.select(k2="k", g="g"), pl.col("v") > pl.col("g")
        )
    ),
    "nested group": (
        lambda a, b: (
            a.group_by("k", "c").agg(pl.col("v").max()).group_by("c").agg(pl.col("v").sum())
        )
    ),
    "nested group wrong": (
        lambda a, b: (
            a.group_by("k")
            .agg(pl.col("v").max(), pl.col("c").min())
            .group_by("c")
            .agg(pl.col("v").sum())
        )
    ),
    "drop_nulls key": (lambda a, b: a.drop_nulls("k").group_by("k").agg(pl.len())),
    "struct": (lambda a, b: a.select("k", s=pl.struct("v", "c")).unnest("s")),
    "when": (
        lambda a, b: a.with_columns(
            kk=pl.when(pl.col("k") > 2).then(pl.lit(0)).otherwise(pl.col("k"))
        )
    ),
    "coalesced key": (
        lambda a, b: (
            a.with_columns(kk=pl.col("k").fill_null(0)).group_by("kk").agg(pl.col("v").sum())
        )
    ),
    "map after window": (
        lambda a, b: a.with_columns(r=pl.col("v").max().over("k", "c")).filter(
            pl.col("v") == pl.col("r")
        )
    ),
    "slice": (lambda a, b: a.sort("k", "v", "d", "c").slice(2, 5)),
    "gather_every": (lambda a, b: a.sort("k", "v", "d", "c").gather_every(2)),
    "interpolate": (
        lambda a, b: a.sort("k", "v", "d", "c").with_columns(
            pl.col("v").cast(pl.Float64).interpolate()
        )
    ),
    "sort only": (lambda a, b: a.sort("v")),
    "reverse": (lambda a, b: a.reverse()),
    "merge_sorted": (
        lambda a, b: a.select("k").sort("k").merge_sorted(b.select("k").sort("k"), key="k")
    ),
    "count distinct": (lambda a, b: a.group_by("c").agg(pl.col("k").n_unique())),
    "dup rows": (lambda a, b: a.unique()),
    "over two keys": (lambda a, b: a.with_columns(r=pl.col("v").sum().over("k", "c"))),
    "over order_by": (
        lambda a, b: a.with_columns(r=pl.col("v").cum_sum().over("k", order_by=["d", "v", "c"]))
    ),
    "over join mapping": (
        lambda a, b: a.with_columns(r=pl.col("v").implode().over("k").list.len())
    ),
    "filter not in other": (
        lambda a, b: a.join(b.filter(pl.col("g") > 2).select("k"), on="k", how="anti")
    ),
    "left join + coalesce": (
        lambda a, b: a.join(b.select("k", n2="name"), on="k", how="left").with_columns(
            pl.col("n2").fill_null("-")
        )
    ),
    "b aggregated join": (
        lambda a, b: a.join(b.group_by("k").agg(pl.col("g").max()), on="k", how="left")
    ),
    "b agg on other, J g": (lambda a, b: b.group_by("g").agg(n=pl.len())),
    "join on c and J k": (
        lambda a, b: a.join(
            a.select("c", "v").group_by("c").agg(m=pl.col("v").max()), on="c", how="left"
        )
    ),
    "double join": (
        lambda a, b: a.join(b.select("k", "g").unique(), on="k").join(
            b.select("g", "name").unique(), on="g", how="left"
        )
    ),
    "scd valid_to": (
        lambda a, b: a.sort("k", "d", "v", "c").with_columns(
            to=pl.col("d").shift(-1).over("k"), cur=pl.col("d") == pl.col("d").max().over("k")
        )
    ),
    "sessions": (
        lambda a, b: a.sort("k", "d", "v", "c").with_columns(
            s=(pl.col("d").diff().over("k") > pl.duration(days=7)).cum_sum().over("k")
        )
    ),
    "sessions leaky": (
        lambda a, b: a.sort("k", "d", "v", "c").with_columns(
            s=(pl.col("d").diff().over("k") > pl.duration(days=7)).cum_sum()
        )
    ),
    "agg in filter": (lambda a, b: a.filter(pl.col("v") == pl.col("v").max())),
    "agg over in filter": (lambda a, b: a.filter(pl.col("v") == pl.col("v").max().over("k"))),
    "is_duplicated": (lambda a, b: a.with_columns(u=pl.col("k").is_duplicated())),
    "is_first": (lambda a, b: a.sort("k", "d", "v", "c").filter(pl.col("k").is_first_distinct())),
    "struct dup": (lambda a, b: a.with_columns(u=pl.struct("k", "c").is_duplicated())),
    "qcut": (lambda a, b: a.with_columns(u=pl.col("v").rank("dense"))),
    "mode": (
        lambda a, b: a.group_by("k").agg(
            pl.col("c").drop_nulls().n_unique(), pl.col("v").quantile(0.5)
        )
    ),
    "literal agg": (lambda a, b: a.select("k", n=pl.len())),
    "select agg bcast": (lambda a, b: a.select("k", m=pl.col("v").max())),
    "having": (lambda a, b: a.group_by("k").agg(s=pl.col("v").sum()).filter(pl.col("s") > 3)),
    "unpivot all": (lambda a, b: a.select("k", "v").unpivot()),
    "pivot lazy": (
        lambda a, b: a.group_by("k").agg(
            **{c: pl.col("v").filter(pl.col("c") == c).sum() for c in "xyz"}
        )
    ),
    "concat + unique": (lambda a, b: pl.concat([a.select("k"), b.select("k")]).unique()),
    "semi on other": (lambda a, b: a.join(b.select("k"), on="k", how="semi")),
    "rle": (lambda a, b: a.sort("k", "d", "v", "c").with_columns(r=pl.col("v").rle_id())),
    "list eval": (
        lambda a, b: (
            a.group_by("k")
            .agg(pl.col("v").sort())
            .with_columns(l=pl.col("v").list.eval(pl.element().rank()))
        )
    ),
    "with ctx": (lambda a, b: a.join(a.select(t=pl.col("v").sum()), how="cross")),
    "null key group": (lambda a, b: a.group_by("k").agg(pl.len())),
    "join nulls_equal": (
        lambda a, b: a.join(b.select("k", "name"), on="k", how="left", nulls_equal=True)
    ),
    "sql": (lambda a, b: pl.SQLContext(a=a, b=b).execute("select k, sum(v) s from a group by k")),
    "sql join": (
        lambda a, b: pl.SQLContext(a=a, b=b).execute(
            "select a.k, a.v, b.name from a left join b on a.k=b.k"
        )
    ),
    "sql window": (
        lambda a, b: pl.SQLContext(a=a, b=b).execute(
            "select k, v, row_number() over (partition by k order by d, v, c) r from a"
        )
    ),
    "sql limit": (
        lambda a, b: pl.SQLContext(a=a, b=b).execute("select k, v from a order by k,v,d,c limit 3")
    ),
    "group_by_dynamic by": (
        lambda a, b: (
            a.drop_nulls("d")
            .sort("d")
            .group_by_dynamic("d", every="1mo", group_by="k")
            .agg(pl.col("v").sum())
        )
    ),
    "rolling by": (
        lambda a, b: (
            a.drop_nulls("d")
            .sort("d")
            .rolling("d", period="10d", group_by="k")
            .agg(s=pl.col("v").sum())
        )
    ),
    "cache twice": (
        lambda a, b: (lambda x: x.join(x.group_by("k").agg(m=pl.col("v").max()), on="k"))(
            a.filter(pl.col("v") > 1).cache()
        )
    ),
    "head unsorted": (lambda a, b: a.head(3)),
    "tail unsorted": (lambda a, b: a.tail(3)),
    "slice unsorted": (lambda a, b: a.slice(1, 3)),
    "select head": (lambda a, b: a.select("k").head(2)),
    "limit in join": (lambda a, b: a.join(b.head(2), on="k")),
    "unique any on c": (lambda a, b: a.unique(subset="c")),
    "unique first on c": (lambda a, b: a.unique(subset="c", keep="first", maintain_order=True)),
    "unique none on c": (lambda a, b: a.unique(subset="c", keep="none")),
    "unique last on c": (lambda a, b: a.unique(subset="c", keep="last")),
    "unique none on k": (lambda a, b: a.unique(subset="k", keep="none")),
    "unique kc J c": (lambda a, b: a.unique(subset=["k", "c"], keep="first", maintain_order=True)),
    "unique k J c": (lambda a, b: a.unique(subset=["k"], keep="first", maintain_order=True)),
    "top_k": (lambda a, b: a.top_k(3, by="v")),
    "bottom_k": (lambda a, b: a.bottom_k(3, by=["v", "k"])),
    "head then filter": (lambda a, b: a.head(5).filter(pl.col("v") > 2)),
    "filter then head": (lambda a, b: a.filter(pl.col("v") > 2).head(2)),
    "concat heads": (lambda a, b: pl.concat([a.select("k").head(2), b.select("k")])),
    "group slice": (lambda a, b: a.group_by("k", maintain_order=True).agg(pl.col("v").head(1))),
    "sort over": (lambda a, b: a.with_columns(pl.col("v").sort().over("c"))),
    "first agg": (lambda a, b: a.group_by("c").agg(pl.col("k").first())),
    "any over": (lambda a, b: a.filter((pl.col("v") > 4).any())),
    "all over": (lambda a, b: a.filter((pl.col("v") > 0).all().over("k"))),
    "is_in column": (lambda a, b: a.filter(pl.col("k").is_in(pl.col("v")))),
    "is_in implode": (lambda a, b: a.filter(pl.col("k").is_in(pl.col("v").implode()))),
    "null_count": (lambda a, b: a.with_columns(n=pl.col("v").null_count())),
    "fill mean": (lambda a, b: a.with_columns(pl.col("v").fill_null(strategy="mean"))),
    "fill max": (lambda a, b: a.with_columns(pl.col("v").fill_null(pl.col("v").max()))),
    "drop_nulls all": (lambda a, b: a.drop_nulls()),
    "sort_by select": (lambda a, b: a.select(pl.col("k"), pl.col("v").sort_by("d", "v"))),
    "reverse col": (lambda a, b: a.with_columns(pl.col("v").reverse())),
    "rank in filter": (lambda a, b: a.filter(pl.col("v").rank("ordinal") < 3)),
    "cut": (
        lambda a, b: a.with_columns(q=pl.col("v").qcut(2, allow_duplicates=True).cast(pl.String))
    ),
    "hash join same twice": (
        lambda a, b: a.join(b, on="k").join(b.rename({"name": "n2", "g": "g2"}), on="k")
    ),
    "asof no by": (lambda a, b: a.sort("d").join_asof(a.sort("d").select("d", z="v"), on="d")),
    "merge counts": (
        lambda a, b: a.join(a.group_by("c").agg(n=pl.len()), on="c").filter(pl.col("n") > 1)
    ),
    "count via join": (lambda a, b: a.join(a.select(n=pl.len()), how="cross")),
    "collect_all": (
        lambda a, b: a.select("k", s=pl.struct("v", "c")).with_columns(
            pl.col("s").struct.field("v")
        )
    ),
    "right J right": (lambda a, b: b.join(a, on="k", how="right")),
    "full J coalesce left": (
        lambda a, b: (
            a.join(b.select("k", "g"), on="k", how="full", coalesce=True)
            .group_by("k")
            .agg(pl.col("g").sum())
        )
    ),
    "left then filter notnull": (
        lambda a, b: a.join(b.select("k", "name"), on="k", how="left").filter(
            pl.col("name").is_not_null()
        )
    ),
    "left J name notnull": (
        lambda a, b: a.join(b.select("k", "name"), on="k", how="left").filter(
            pl.col("name").is_not_null()
        )
    ),
    "anti J b": (lambda a, b: b.join(a, on="k", how="anti")),
    "union diff": (
        lambda a, b: (
            pl.concat([a.select("k", "v"), b.select("k", v=pl.lit(None, dtype=pl.Int64))])
            .group_by("k")
            .agg(pl.col("v").sum(), n=pl.len())
        )
    ),
    "by all columns": (lambda a, b: a.group_by(pl.all()).agg(n=pl.len())),
    "by the names of all": (lambda a, b: a.group_by(a.collect_schema().names()).agg(n=pl.len())),
    "window over all": (lambda a, b: a.with_columns(n=pl.len().over(pl.col("k", "c")))),
    "one row": (lambda a, b: a.select(x=pl.lit(1))),
    "one row beside": (lambda a, b: a.select(x=pl.lit(1)).join(b, how="cross")),
    "in itself": (lambda a, b: a.join(a.unique(), on=a.collect_schema().names(), how="semi")),
    "sum of all numbers": (lambda a, b: a.with_columns(n=pl.sum_horizontal(pl.col(pl.Int64)))),
    "another k": (lambda a, b: a.with_columns(k=pl.col("k") * 2)),
    "changed places": (lambda a, b: a.with_columns(k=pl.col("v"), v=pl.col("k"))),
    "asks as we do": (lambda a, b: a.filter(AS_WE_ASK).with_columns(k=pl.lit(5, dtype=pl.Int64))),
    "asks as we do, of all": (lambda a, b: a.filter(AS_WE_ASK).with_columns(n=pl.len())),
    "keeps any after a group": (lambda a, b: a.group_by("k", "c").agg(pl.len()).unique("c")),
    "distinct in SQL": (lambda a, b: pl.SQLContext(a=a).execute("select distinct k, c from a")),
    "month of a sum": (
        lambda a, b: a.group_by("k", "d").agg(pl.col("v").sum()).group_by(m=MONTH).agg(pl.len())
    ),
    "month, then its share": (
        lambda a, b: a.with_columns(m=MONTH).with_columns(
            s=pl.col("v") / pl.col("v").sum().over("m")
        )
    ),
    "month, then all": (
        lambda a, b: a.with_columns(m=MONTH).with_columns(s=pl.col("v") - pl.col("v").mean())
    ),
    "month over its name": (lambda a, b: a.group_by(d=MONTH).agg(pl.col("v").sum())),
    "two computed keys": (
        lambda a, b: a.group_by(MONTH.alias("m"), w=pl.col("k") % 2).agg(pl.len())
    ),
    "month, joined": (
        lambda a, b: (
            a.with_columns(m=MONTH)
            .join(b.unique("k", keep="first", maintain_order=True), on="k", how="left")
            .group_by("m")
            .agg(pl.col("g").sum())
        )
    ),
    "joined, then month": (
        lambda a, b: (
            a.join(b.select("k", "g"), on="k").group_by(m=MONTH, h=pl.col("g") % 2).agg(pl.len())
        )
    ),
    "month of both": (
        lambda a, b: (
            pl.concat(
                [
                    a.with_columns(m=MONTH).select("m", "v"),
                    a.with_columns(m=MONTH).select("m", v="k"),
                ]
            )
            .group_by("m")
            .agg(pl.col("v").sum())
        )
    ),
    "month twice": (
        lambda a, b: (lambda x: x.join(x.group_by("m").agg(n=pl.len()), on="m"))(
            a.with_columns(m=MONTH)
        )
    ),
    "month, less the mean": (
        lambda a, b: (
            lambda x: x.filter(pl.col("v") > pl.col("v").mean()).group_by("m").agg(pl.len())
        )(a.with_columns(m=MONTH))
    ),
    "text of k": (
        lambda a, b: a.select(t=pl.format("{}-{}", "k", "c")).group_by("t").agg(pl.len())
    ),
    "latest by a text": (
        lambda a, b: (
            a.with_columns(t=pl.col("k").cast(pl.String))
            .sort("d", "v", "c")
            .unique("t", keep="last", maintain_order=True)
        )
    ),
    "filled key": (
        lambda a, b: a.with_columns(pl.col("c").fill_null("-")).group_by("c").agg(pl.col("v").max())
    ),
    "nothing of a": (lambda a, b: b.select("k", "name")),
    "head of each, then all": (
        lambda a, b: a.sort("v", "d", "c").group_by("k").head(1).with_columns(n=pl.len())
    ),
    "lookup made of a": (
        lambda a, b: b.join(a.group_by("k").agg(pl.col("v").max()), on="k", how="left")
    ),
    "anti to itself": (lambda a, b: a.join(a.filter(pl.col("v") > 3), on="k", how="anti")),
    "differences by c": (
        lambda a, b: a.sort("k", "d", "v").with_columns(x=pl.col("v").diff().over("c"))
    ),
    "forward by k": (
        lambda a, b: a.sort("d", "v", "c").with_columns(x=pl.col("v").forward_fill().over("k"))
    ),
    "literal column": (lambda a, b: a.with_columns(x=pl.lit("y"))),
}
