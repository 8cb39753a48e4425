"""Python's own fedmsg, asked line by line: each line is a JSON list, the name of a function below and what it takes."""

import datetime
import json
import os
import random
import sys

import zmq
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID

import fedmsg.crypto
import fedmsg.crypto.utils
import fedmsg.encoding

NOW = datetime.datetime.now(datetime.timezone.utc).replace(microsecond=0)
DAY = datetime.timedelta(days=1)
PEM = serialization.Encoding.PEM


def named(name):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])


def certificates(folder):
    """Two authorities, signers of each kind, and lists of revoked certificates, as files."""

    def write(name, data):
        with open(os.path.join(folder, name), "wb") as file:
            file.write(data)

    def issue(name, issuer, issuer_key, bits=2048, start=-DAY, end=DAY, authority=False, style="PKCS8", critical=False):
        key = rsa.generate_private_key(65537, bits)
        subject = named(name)
        builder = (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(issuer or subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(NOW + start)
            .not_valid_after(NOW + end)
            .add_extension(x509.BasicConstraints(ca=authority, path_length=None), critical=True)
        )
        if critical:
            unknown = x509.UnrecognizedExtension(x509.ObjectIdentifier("1.2.3.4.5"), b"\x05\x00")
            builder = builder.add_extension(unknown, critical=True)
        certificate = builder.sign(issuer_key or key, hashes.SHA256())
        write(name + ".crt", certificate.public_bytes(PEM))
        form = getattr(serialization.PrivateFormat, style)
        write(name + ".key", key.private_bytes(PEM, form, serialization.NoEncryption()))
        return certificate, key

    def revoke(name, issuer, key, serials, start=-DAY, end=DAY):
        builder = x509.CertificateRevocationListBuilder().issuer_name(issuer)
        builder = builder.last_update(NOW + start).next_update(NOW + end)
        for serial in serials:
            one = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(NOW - DAY)
            builder = builder.add_revoked_certificate(one.build())
        write(name + ".pem", builder.sign(key, hashes.SHA256()).public_bytes(PEM))

    ca, key = issue("ca", None, None, authority=True)
    other, other_key = issue("other-ca", None, None, authority=True)
    # Of the same name as the true one.
    os.rename(os.path.join(folder, "ca.crt"), os.path.join(folder, "true.crt"))
    twin, twin_key = issue("ca", None, None, authority=True)
    os.rename(os.path.join(folder, "ca.crt"), os.path.join(folder, "twin.crt"))
    os.rename(os.path.join(folder, "true.crt"), os.path.join(folder, "ca.crt"))
    issue("good.example.org", ca.subject, key)
    issue("small.example.org", ca.subject, key, bits=1024, style="TraditionalOpenSSL")
    issue("old.example.org", ca.subject, key, start=-3 * DAY, end=-2 * DAY)
    issue("early.example.org", ca.subject, key, start=DAY, end=2 * DAY)
    issue("stranger.example.org", other.subject, other_key)
    issue("twin.example.org", twin.subject, twin_key)
    issue("odd.example.org", ca.subject, key, critical=True)
    middle, middle_key = issue("middle", ca.subject, key, authority=True)
    issue("below.example.org", middle.subject, middle_key)
    revoked, _ = issue("revoked.example.org", ca.subject, key)
    revoke("crl", ca.subject, key, [revoked.serial_number])
    revoke("old-crl", ca.subject, key, [], start=-3 * DAY, end=-2 * DAY)
    revoke("other-crl", other.subject, other_key, [])
    return True


def sign(folder, name, envelope):
    """The text that fedmsg sends."""
    signed = fedmsg.crypto.sign(json.loads(envelope), ssldir=folder, certname=name)
    return fedmsg.encoding.dumps(signed)


def validate(folder, envelope, archived, crl, policy, nitpicky):
    """What a consumer of fedmsg makes of it."""
    fedmsg.crypto.utils._cached_certificates.clear()
    message = json.loads(envelope)
    if archived:
        message = fedmsg.crypto.utils.fix_datagrepper_message(message)
    try:
        return fedmsg.crypto.validate(
            message,
            ca_cert_location=os.path.join(folder, "ca.crt"),
            crl_location=crl and os.path.join(folder, crl),
            crypto_validate_backends=["x509"],
            routing_policy=policy,
            routing_nitpicky=nitpicky,
        )
    except Exception:
        return False


def canonical(texts):
    return [fedmsg.encoding.dumps(json.loads(text)) for text in texts]


def generate(seed, count):
    """Objects of every kind, in every spelling that JSON allows, each with its canonical text."""
    rnd = random.Random(seed)

    def letter():
        kind = rnd.randrange(8)
        if kind < 3:
            return chr(rnd.randrange(0x20, 0x7F))
        if kind == 3:
            return chr(rnd.randrange(0, 0x20))
        if kind == 4:
            return chr(rnd.randrange(0x7F, 0x800))
        if kind == 5:
            return chr(rnd.choice([0x2028, 0xD7FF, 0xE000, 0xFFFD, 0xFFFF, 0xFEFF]))
        if kind == 6:
            return chr(rnd.randrange(0x10000, 0x110000))
        return chr(rnd.randrange(0xD800, 0xE000))

    def text():
        return "".join(letter() for _ in range(rnd.randrange(12)))

    def number():
        kind = rnd.randrange(7)
        if kind == 0:
            return rnd.randrange(-1000, 1000)
        if kind == 1:
            return rnd.randrange(-(10**60), 10**60)
        if kind == 2:
            return float(rnd.randrange(-(10**18), 10**18))
        if kind == 3:
            return rnd.uniform(-1, 1) * 10.0 ** rnd.randrange(-320, 308)
        if kind == 4:
            return round(rnd.uniform(-1000, 1000), rnd.randrange(6))
        if kind == 5:
            return rnd.choice([0.0, -0.0, 1e16, 1e15, 9999999999999998.0, 1e-4, 1e-5, 1e22, 5e-324])
        return rnd.choice([float("nan"), float("inf"), float("-inf")])

    def value(depth):
        kind = rnd.randrange(7 if depth < 4 else 4)
        if kind < 2:
            return number()
        if kind == 2:
            return text()
        if kind == 3:
            return rnd.choice([True, False, None])
        if kind < 6:
            return {text(): value(depth + 1) for _ in range(rnd.randrange(5))}
        return [value(depth + 1) for _ in range(rnd.randrange(5))]

    def space():
        return "".join(rnd.choice(" \t\r\n") for _ in range(rnd.choice([0, 0, 0, 1, 3])))

    def spelled(it):
        """Another spelling of the same."""
        if isinstance(it, dict):
            pairs = [(key, it[key]) for key in it]
            rnd.shuffle(pairs)
            # Of two members with one name the last one counts.
            doubled = [(key, number()) for key, _ in pairs[:1] if rnd.randrange(4) == 0]
            members = (space() + string(key) + space() + ":" + space() + spelled(val) for key, val in doubled + pairs)
            return "{" + (space() + ",").join(members) + space() + "}"
        if isinstance(it, list):
            return "[" + (space() + ",").join(space() + spelled(val) for val in it) + space() + "]"
        if isinstance(it, str):
            return string(it)
        if isinstance(it, float) and it == it and abs(it) != float("inf") and rnd.randrange(2):
            return rnd.choice(["%.17e", "%.17E"]) % it
        return json.dumps(it)

    def string(it):
        def one(char):
            code = ord(char)
            lone = 0xD800 <= code < 0xE000
            if not lone and code >= 0x20 and char not in '"\\' and rnd.randrange(2):
                return char
            if char == "/" and rnd.randrange(2):
                return "\\/"
            if rnd.randrange(2) or lone or code < 0x20:
                units = char.encode("utf-16-be", "surrogatepass")
                units = [units[at : at + 2].hex() for at in range(0, len(units), 2)]
                return "".join("\\u" + (unit.upper() if rnd.randrange(2) else unit) for unit in units)
            return json.dumps(char)[1:-1]

        return '"' + "".join(one(char) for char in it) + '"'

    envelopes = []
    for _ in range(count):
        given = spelled({"topic": "org.fedoraproject.dev.x.y", "msg": value(0), text(): value(0), text(): value(1)})
        envelopes.append([given, fedmsg.encoding.dumps(json.loads(given))])
    return envelopes


SOCKETS = []


def listen(endpoint, bind):
    """A subscriber; as a relay, subscribers are who listens."""
    socket = zmq.Context.instance().socket(zmq.SUB)
    socket.subscribe(b"")
    SOCKETS.append(socket)
    if bind:
        return "tcp://127.0.0.1:%d" % socket.bind_to_random_port("tcp://127.0.0.1")
    socket.connect(endpoint)
    return endpoint


def hear(patience=20000):
    """The frames of the next message."""
    if not SOCKETS[-1].poll(patience):
        return None
    return [frame.decode() for frame in SOCKETS[-1].recv_multipart()]


for line in sys.stdin:
    name, *arguments = json.loads(line)
    print(json.dumps(globals()[name](*arguments)), flush=True)
