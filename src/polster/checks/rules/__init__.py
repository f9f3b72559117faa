"""The texts of the rules, a family a module; light, so that listing them imports nothing."""
