"""What is compared with: the least Python that answers over HTTP: ``python bare.py MODEL PORT``."""

import json
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

import joblib
import numpy as np
import sklearn  # noqa: F401 -- what unpickling the model imports, said openly

model = joblib.load(sys.argv[1])


class Handler(BaseHTTPRequestHandler):
    """Answers every POST with the model's predictions."""

    def do_POST(self):
        """Predict the rows in ``data``."""
        rows = json.loads(self.rfile.read(int(self.headers["Content-Length"])))["data"]
        body = json.dumps(model.predict(np.array(rows)).tolist()).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        """Write no log."""


HTTPServer(("127.0.0.1", int(sys.argv[2])), Handler).serve_forever()
