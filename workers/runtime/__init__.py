"""What runs a worker: records in, its function, records out, as one Kafka transaction.

`api` is what a worker is written with; `handle` calls it and makes records of what it returns; `lane` is the
transaction; `member` owns the lanes of one process; `run` is the process.
"""
