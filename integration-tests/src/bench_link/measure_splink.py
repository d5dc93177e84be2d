"""FEBRL through splink without labels, as its manual does it; prints the pairwise F1 at the best of its thresholds.

The best threshold is chosen with the labels, which only flatters splink. With two files that hold each person once,
each record keeps its best partner only.
"""
import logging
import sys

import pandas as pd
import splink.comparison_library as cl
from splink import DuckDBAPI, Linker, SettingsCreator, block_on

logging.disable(logging.CRITICAL)
with_id, files = sys.argv[1] == "with-id", sys.argv[2:]
frames = []
for path in files:
    frame = pd.read_csv(path, skipinitialspace=True, dtype=str)
    frame.columns = [name.strip() for name in frame.columns]
    frame = frame.apply(lambda column: column.str.strip())
    frame["cluster"] = frame["rec_id"].str.split("-").str[1]
    frames.append(frame.where(frame.notna() & (frame != ""), None))
comparisons = [
    cl.NameComparison("given_name"),
    cl.NameComparison("surname"),
    cl.LevenshteinAtThresholds("date_of_birth", [1, 2]),
    cl.DamerauLevenshteinAtThresholds("postcode", [1, 2]),
    cl.JaroWinklerAtThresholds("address_1", [0.9, 0.7]),
    cl.JaroWinklerAtThresholds("address_2", [0.9, 0.7]),
    cl.JaroWinklerAtThresholds("suburb", [0.9, 0.7]),
    cl.LevenshteinAtThresholds("street_number", [1]),
    cl.ExactMatch("state"),
]
blocks = [
    block_on("given_name", "surname"), block_on("date_of_birth"), block_on("postcode", "suburb"),
    block_on("address_1"), block_on("surname", "postcode"), block_on("given_name", "suburb"),
    block_on("address_2", "suburb"),
]
if with_id:
    comparisons.append(cl.DamerauLevenshteinAtThresholds("soc_sec_id", [1, 2]))
    blocks.append(block_on("soc_sec_id"))
settings = SettingsCreator(
    link_type="dedupe_only" if len(frames) == 1 else "link_only",
    unique_id_column_name="rec_id",
    comparisons=comparisons,
    blocking_rules_to_generate_predictions=blocks,
    retain_intermediate_calculation_columns=False,
)
linker = Linker(frames[0] if len(frames) == 1 else frames, settings, db_api=DuckDBAPI())
linker.training.estimate_probability_two_random_records_match([block_on("date_of_birth", "surname")], recall=0.6)
linker.training.estimate_u_using_random_sampling(max_pairs=2e6, seed=1)
for rule in (block_on("date_of_birth"), block_on("given_name", "surname"), block_on("postcode")):
    linker.training.estimate_parameters_using_expectation_maximisation(rule)
pairs = linker.inference.predict(threshold_match_probability=0.001).as_pandas_dataframe()
pairs = pairs.sort_values("match_weight", ascending=False)
if len(frames) == 2:
    pairs = pairs.drop_duplicates("rec_id_l").drop_duplicates("rec_id_r")
same = pairs["rec_id_l"].str.split("-").str[1] == pairs["rec_id_r"].str.split("-").str[1]
if len(frames) == 2:
    left, right = (frame["cluster"].value_counts() for frame in frames)
    truth = (left * right.reindex(left.index).fillna(0)).sum()
else:
    sizes = frames[0]["cluster"].value_counts()
    truth = (sizes * (sizes - 1) / 2).sum()
right = same.cumsum().to_numpy()
best = max((2 * right[at] / (at + 1 + truth) for at in range(len(right))), default=0.0)
print(best)
