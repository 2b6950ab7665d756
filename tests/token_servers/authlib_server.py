"""An authorization server built on Authlib and Flask: python authlib_server.py PORT"""

import os
import secrets
import sys

os.environ["AUTHLIB_INSECURE_TRANSPORT"] = "1"  # It listens on loopback.

from authlib.integrations.flask_oauth2 import AuthorizationServer
from authlib.oauth2.rfc6749 import ClientMixin, grants
from flask import Flask, request

SECRET = os.environ["CLIENT_SECRET"]


class Client(ClientMixin):
    def __init__(self, client_id, method):
        self.client_id = client_id
        self.method = method

    def get_client_id(self):
        return self.client_id

    def get_allowed_scope(self, scope):
        return scope if scope == "esp" else ""

    def check_client_secret(self, client_secret):
        return secrets.compare_digest(client_secret, SECRET)

    def check_endpoint_auth_method(self, method, endpoint):
        return method == self.method

    def check_grant_type(self, grant_type):
        return grant_type == "client_credentials"


class ClientCredentialsGrant(grants.ClientCredentialsGrant):
    TOKEN_ENDPOINT_AUTH_METHODS = ["client_secret_basic", "client_secret_post"]


app = Flask(__name__)
clients = {client_id: Client(client_id, f"client_secret_{client_id}") for client_id in ["basic", "post"]}
issued = set()
server = AuthorizationServer(
    app,
    query_client=clients.get,
    save_token=lambda token, request: issued.add(token["access_token"]),
)
server.register_grant(ClientCredentialsGrant)


@app.post("/token")
def token():
    return server.create_token_response()


@app.get("/active")
def active():
    return "true" if request.args["token"] in issued else "false"


app.run(host="127.0.0.1", port=int(sys.argv[1]))
