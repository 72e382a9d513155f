import pathlib
import sys

out = pathlib.Path("/opt/ml/processing/train")
rows = int(sys.argv[sys.argv.index("--rows") + 1])
(out / "train.csv").write_text("".join(f"{i},{i % 2}\n" for i in range(rows)))
print(f"prepared {rows} rows")
