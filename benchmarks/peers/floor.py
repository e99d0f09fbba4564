"""The floor: requests and orjson, no Singer. Reads all rows by id and writes each as a line of JSON."""

import sys

import orjson
import requests

url, module, prefix = sys.argv[1], sys.argv[2], sys.argv[3]
session, last, out = requests.Session(), 0, sys.stdout.buffer
while True:
    query = f"select * from {module} where id > '{prefix}x{last}' order by id limit 100;"
    parameters = {"operation": "query", "query": query, "sessionName": "5e55"}
    rows = orjson.loads(session.get(f"{url}/webservice.php", params=parameters).content)["result"]
    if not rows:
        break
    for row in rows:
        out.write(orjson.dumps(row) + b"\n")
    last = int(rows[-1]["id"].partition("x")[2])
