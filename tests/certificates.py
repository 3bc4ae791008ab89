"""Certificates for tests that speak TLS, made with openssl."""

import ssl
import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass
class Certificates:
    """A certificate authority of our own, and what it has signed: PEM files, each with its key."""

    authority: Path
    server: Path
    """Of `localhost`, 127.0.0.1 and ::1."""
    client: Path

    def server_context(self, *, ask_client: bool = False) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.server)
        if ask_client:
            context.verify_mode = ssl.CERT_REQUIRED
            context.load_verify_locations(self.authority)
        return context


def make_certificates(folder: Path) -> Certificates:
    """A new authority, and certificates of a server and a client, in that folder."""
    names = "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1"
    authority = _certificate(folder, "authority", "basicConstraints=critical,CA:true")
    server = _certificate(folder, "server", names, authority)
    return Certificates(authority, server, _certificate(folder, "client", "extendedKeyUsage=clientAuth", authority))


def _certificate(folder: Path, name: str, extension: str, signed_by: Path | None = None) -> Path:
    """A PEM file with a new certificate and its key."""
    key, certificate, both = folder / f"{name}.key", folder / f"{name}.crt", folder / f"{name}.pem"
    signer = ["-CA", str(signed_by), "-CAkey", str(signed_by)] if signed_by else []
    subprocess.run(
        [
            *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"),
            *(
                "-days",
                "2",
                "-subj",
                f"/CN={name}",
                "-addext",
                extension,
                "-keyout",
                str(key),
                "-out",
                str(certificate),
            ),
            *signer,
        ],
        check=True,
        capture_output=True,
    )
    both.write_bytes(key.read_bytes() + certificate.read_bytes())
    return both
