"""What functions of the standard library and of well-known packages do, by name."""

from __future__ import annotations


def words(text: str) -> frozenset[str]:
    """Split a list of names."""
    return frozenset(text.split())


CLIENTS = tuple(
    f"{package}."
    for package in words("""
    adbc_driver_manager adbc_driver_postgresql adbc_driver_sqlite adlfs aiohttp asyncpg azure
    boto3 botocore cassandra clickhouse_connect confluent_kafka connectorx cx_Oracle deltalake
    duckdb elasticsearch fsspec ftplib gcsfs google.cloud gspread http.client httpx imaplib
    kafka minio mysql MySQLdb oracledb paramiko poplib psycopg psycopg2 pyiceberg pymongo
    pymssql pymysql pyodbc redis requests s3fs simple_salesforce smbclient smtplib snowflake
    socket sqlalchemy sqlite3 subprocess tableauserverclient trino urllib.request urllib3
    websocket websockets
    """)
)
"""Packages whose functions reach other machines, databases or processes."""

STARTERS = ("os.exec", "os.spawn", "os.posix_spawn", "multiprocessing.")
"""Beginnings of functions that start processes."""

READS = words("""
    builtins.open bz2.open codecs.open gzip.open io.open lzma.open tarfile.open zipfile.ZipFile
    tarfile.TarFile tokenize.open linecache.getline fileinput.input
    glob.glob glob.iglob mmap.mmap shelve.open dbm.open
    joblib.load numpy.load numpy.loadtxt numpy.genfromtxt numpy.fromfile
    openpyxl.load_workbook os.listdir os.open os.popen os.scandir os.startfile os.stat
    os.system os.walk os.path.exists os.path.getmtime os.path.getsize os.path.isdir
    os.path.isfile pandas.ExcelFile pandas.HDFStore pyarrow.dataset.dataset pyarrow.memory_map
    pyarrow.OSFile pyarrow.parquet.ParquetFile pyarrow.parquet.ParquetDataset
""")
FRAME_PACKAGES = ("polars.", "pandas.", "pyarrow.")
"""Packages whose ``read_…`` and ``scan_…`` read files."""

OPENERS = words("open ZipFile TarFile")
"""Last names of functions that take a mode."""

WRITES = words("""
    os.chmod os.link os.makedirs os.mkdir os.remove os.removedirs os.rename os.renames os.replace
    os.rmdir os.symlink os.truncate os.unlink os.utime os.write
    deltalake.write_deltalake joblib.dump matplotlib.pyplot.savefig numpy.save numpy.savez
    numpy.savetxt
""")
WRITING_MODULES = ("shutil.", "tempfile.")
HARMLESS = words("shutil.which shutil.get_terminal_size shutil.disk_usage tempfile.gettempdir")

PANDAS_WRITERS = words("""
    to_csv to_parquet to_json to_excel to_sql to_pickle to_feather to_hdf to_orc
""")
PATH_READS = words("""
    exists glob is_dir is_file iterdir lstat open read_bytes read_text rglob stat walk
""")
PATH_WRITES = words("""
    chmod hardlink_to mkdir rename replace rmdir savefig symlink_to touch unlink
    write_bytes write_text
""")
SURE_PATH_READS = words("iterdir read_bytes read_text")
"""Methods that nothing but a path has; so it need not be known where the path comes from."""

SURE_PATH_WRITES = words("mkdir savefig unlink write_bytes write_text")

CLOCKS = words("""
    datetime.datetime.now datetime.datetime.utcnow datetime.datetime.today datetime.date.today
    time.time time.time_ns time.monotonic time.monotonic_ns
    pendulum.now pendulum.today arrow.now arrow.utcnow whenever.Instant.now
    pandas.Timestamp.now pandas.Timestamp.today pandas.Timestamp.utcnow
""")
CLOCKS_UNLESS_GIVEN = words("time.localtime time.gmtime time.ctime time.strftime")
"""These ask the clock unless they are given a time."""

RANDOM = words("uuid.uuid1 uuid.uuid4 uuid.uuid6 uuid.uuid7 os.urandom")
RANDOM_MODULES = ("random.", "numpy.random.", "secrets.")
RANDOM_UNLESS_SEEDED = words("""
    random.Random numpy.random.default_rng numpy.random.RandomState numpy.random.SeedSequence
    numpy.random.PCG64 numpy.random.MT19937 numpy.random.Philox numpy.random.SFC64
""")
NOT_RANDOM = words("random.seed numpy.random.seed numpy.random.Generator secrets.compare_digest")

TEXT_METHODS = words("""
    contains contains_any count_matches ends_with endswith extract extract_all find is_in lit
    match replace replace_all replace_many search split starts_with startswith strip_prefix
    strip_suffix removeprefix removesuffix compile fullmatch sub
""")
"""Methods whose arguments are data or patterns, not places."""

COLUMN_METHODS = words("agg alias col rename select with_columns with_columns_seq")
"""Methods whose arguments are names of columns."""

CLEANS_FRAMES = words("""
    cast drop_nans drop_nulls fill_nan fill_null filter group_by group_by_dynamic join join_asof
    join_where pivot remove rolling unique upsample
""")
CLEANS_VALUES = words("""
    cast drop_nans drop_nulls fill_nan fill_null strip_chars to_date to_datetime to_decimal
    to_integer to_lowercase to_time to_uppercase strptime
""")
