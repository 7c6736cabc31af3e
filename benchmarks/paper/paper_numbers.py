"""Numbers reported in the paper, for comparison; they are of other data.

P. Goyal, S. Sahu, S. Ghosh, C. Lee, "Cross-modal Learning for Multi-modal Video Categorization",
2020. Error rates in percent on 128,000 YouTube-8M videos with the authors' own hierarchy of 640
labels, mean of five test draws.
"""

ROWS = ("E", "L", "CM-G", "CM-C")
LEVELS = ("overall", "level 0", "level 1", "level 2", "level 3")

SCORES = {  # by family and score, one row per level, one column per row of ROWS
    "TM": {  # Table 4
        "GAP": (
            (9.18, 8.67, 8.65, 8.49),
            (5.11, 4.81, 4.80, 4.72),
            (7.00, 6.59, 6.61, 6.52),
            (9.10, 8.58, 8.63, 8.50),
            (12.23, 11.42, 11.34, 11.27),
        ),
        "MAP": (
            (12.44, 11.82, 11.82, 11.66),
            (11.29, 10.79, 10.88, 10.69),
            (11.15, 10.74, 10.81, 10.71),
            (10.53, 10.05, 9.99, 9.84),
            (12.17, 11.25, 11.14, 11.09),
        ),
        "PERR": (
            (11.93, 11.43, 11.32, 11.25),
            (7.16, 6.85, 6.66, 6.68),
            (8.73, 8.45, 8.27, 8.24),
            (12.88, 12.31, 12.24, 12.17),
            (16.30, 15.36, 15.19, 14.87),
        ),
        "Hit@1": (
            (5.84, 5.60, 5.47, 5.49),
            (5.71, 5.45, 5.31, 5.31),
            (6.64, 6.35, 6.20, 6.11),
            (9.41, 9.04, 9.09, 8.91),
            (12.71, 11.89, 11.76, 11.59),
        ),
    },
    "NV": {  # Table 8
        "GAP": (
            (10.81, 10.61, 9.90, 9.75),
            (6.53, 6.33, 5.65, 5.61),
            (8.13, 8.03, 7.38, 7.26),
            (10.41, 10.25, 9.57, 9.43),
            (14.34, 13.78, 13.12, 12.85),
        ),
        "MAP": (
            (13.46, 13.14, 12.58, 12.43),
            (13.52, 13.51, 12.18, 12.32),
            (12.36, 12.19, 11.36, 11.32),
            (11.14, 10.94, 10.48, 10.31),
            (13.73, 13.07, 12.63, 12.48),
        ),
        "PERR": (
            (13.99, 13.85, 13.17, 12.99),
            (8.98, 8.78, 8.22, 8.14),
            (10.30, 10.29, 9.69, 9.50),
            (14.37, 14.38, 13.83, 13.71),
            (17.88, 17.32, 17.19, 16.88),
        ),
        "Hit@1": (
            (7.14, 6.95, 6.61, 6.56),
            (7.17, 6.97, 6.57, 6.48),
            (7.87, 7.79, 7.34, 7.13),
            (10.58, 10.56, 10.20, 10.11),
            (14.24, 13.13, 13.15, 12.91),
        ),
    },
}
CATEGORIES = ("Electr.", "Sports", "Movie", "Art", "Transp.", "Food", "Games", "Travel")
CATEGORY_ERRORS = {  # GAP of L and of CM-C
    "TM": (  # Table 5
        (13.72, 2.19, 3.31, 2.50, 7.16, 13.81, 3.98, 12.92),
        (13.67, 2.10, 3.34, 2.42, 7.02, 13.44, 3.96, 12.80),
    ),
    "NV": (  # Table 9
        (15.42, 3.15, 4.94, 2.88, 8.43, 15.12, 5.35, 16.60),
        (15.49, 2.85, 4.17, 2.64, 7.90, 14.53, 4.76, 14.30),
    ),
}
SCORE_TABLES = {"TM": "Table 4", "NV": "Table 8"}
CATEGORY_TABLES = {"TM": "Table 5", "NV": "Table 9"}
TOWER = {"accuracy": 92.0, "fpr": 9.6, "fnr": 4.1}  # Section 5.1, in percent


def gap(family, row, level="overall"):
    """Return the GAP error in percent of the paper, or None."""
    if family not in SCORES or row not in ROWS:
        return None
    return SCORES[family]["GAP"][LEVELS.index(level)][ROWS.index(row)]
