"""Help for those who build estimators on this package."""
