"""What a client trusts and shows when it speaks TLS to a broker: files that its URL names.

`mqtts://host:8883?ca=FILE&cert=FILE&key=FILE`; without `ca` the machine's own authorities count.
"""

import ssl
from pathlib import Path
from urllib.parse import parse_qsl, quote, urlsplit


def with_tls_files(url: str, ca: Path | None, cert: Path | None, key: Path | None) -> str:
    """Return the URL with these files in it; as it is without TLS, or where it names its own."""
    files = {"ca": ca, "cert": cert, "key": key}
    named = "&".join(f"{name}={quote(str(path))}" for name, path in files.items() if path)
    parts = urlsplit(url)
    if not named or parts.scheme != "mqtts" or parts.query:
        return url
    return parts._replace(query=named).geturl()


def tls_context(query: str) -> ssl.SSLContext:
    """Return the context to speak to a broker by, of the files that its URL's query names.

    A certificate without a key file holds its key itself. Raises OSError for a file that can't be
    read.
    """
    files = dict(parse_qsl(query))
    context = ssl.create_default_context(cafile=files.get("ca"))
    if "cert" in files:
        context.load_cert_chain(files["cert"], files.get("key"))
    return context
