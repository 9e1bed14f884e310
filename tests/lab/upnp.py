"""A UPnP control point of a few lines: HTTP, SOAP and GENA over plain sockets on hosts of the lab.

How devices are found is in ssdp.py.
"""

import contextlib
import http.client
import socket
import time
import urllib.parse
import xml.etree.ElementTree as xml
from typing import NamedTuple
from xml.sax.saxutils import escape

from lab import LAN_A, LabError, family_of
from pcp import resolved
from ssdp import locate, parse_message

HTTP_PORT = 5351

IP, PPP, INTERFACE = "WANIPConnection", "WANPPPConnection", "WANCommonInterfaceConfig"
FORWARDING, FIREWALL = "Layer3Forwarding", "WANIPv6FirewallControl"
SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
ENCODING = "http://schemas.xmlsoap.org/soap/encoding/"
PATIENCE = 10  # seconds; for a busy machine


def service_type(name, version=1):
    return f"urn:schemas-upnp-org:service:{name}:{version}"


# --- HTTP -----------------------------------------------------------------------------------------

class Reply(NamedTuple):
    status: int
    headers: dict  # names in lower case
    body: bytes


def receive_reply(sock):
    response = http.client.HTTPResponse(sock)
    response.begin()
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Reply(response.status, headers, response.read())


class Server:
    """An HTTP server as a host of the lab sees it; every request has a connection of its own."""

    def __init__(self, lab, host, address, port=HTTP_PORT, source=""):
        self.lab, self.host, self.source = lab, host, source
        self.address, self.port = address, port
        literal = f"[{address}]" if ":" in address else address
        self.name = f"{literal}:{port}"

    def connect(self, timeout=PATIENCE):
        sock = self.lab.socket(self.host, family_of(self.address), socket.SOCK_STREAM)
        if self.source:
            sock.bind((self.source, 0))
        sock.settimeout(timeout)
        scope = "%eth0" if self.address.startswith("fe80") else ""
        with self.lab.host(self.host):
            target = resolved(self.address + scope, self.port)
        sock.connect(target)
        return sock

    def request(self, method, target, headers=None, body=b""):
        """The octets of a request; a header set to None is left out."""
        headers = {"Host": self.name, "Content-Length": len(body), **(headers or {})}
        lines = [f"{name}: {value}" for name, value in headers.items() if value is not None]
        return "\r\n".join([f"{method} {target} HTTP/1.1", *lines, "", ""]).encode() + body

    def ask(self, method, target, headers=None, body=b""):
        return self.exchange(self.request(method, target, headers, body))

    def exchange(self, octets):
        with contextlib.closing(self.connect()) as sock:
            sock.sendall(octets)
            return receive_reply(sock)


# --- Descriptions and SOAP ------------------------------------------------------------------------

class Fault(LabError):
    """The device refused an action."""

    def __init__(self, code, text):
        super().__init__(f"UPnP error {code} {text}")
        self.code = code


class Service(NamedTuple):
    type: str
    scpd: str
    control: str
    event: str


def local_name(element):
    return element.tag.rpartition("}")[2]


def find_text(element, name):
    return next((found.text or "" for found in element.iter() if local_name(found) == name), None)


def services_of(description):
    """{name: Service} of all services of a device and those in it."""
    services = {}
    for element in description.iter():
        if local_name(element) == "service":
            texts = [find_text(element, name)
                     for name in ("serviceType", "SCPDURL", "controlURL", "eventSubURL")]
            services[texts[0].split(":")[-2]] = Service(*texts)
    return services


def offers(point):
    """{(NT, USN)}: all that is announced of a root device."""
    root = next(found for found in point.description.iter() if local_name(found) == "device")
    told = {("upnp:rootdevice", f"{find_text(root, 'UDN')}::upnp:rootdevice")}
    for device in (found for found in root.iter() if local_name(found) == "device"):
        udn = find_text(device, "UDN")
        lists = [child for child in device if local_name(child) == "serviceList"]
        types = [find_text(device, "deviceType")]
        types += [found.text for held in lists for found in held.iter()
                  if local_name(found) == "serviceType"]
        told |= {(udn, udn), *((kind, f"{udn}::{kind}") for kind in types)}
    return told


def envelope(kind, action, arguments):
    fields = "".join(f"<{name}>{escape(str(value))}</{name}>" for name, value in arguments.items())
    return (f'<?xml version="1.0"?>\r\n<s:Envelope xmlns:s="{SOAP}" s:encodingStyle="{ENCODING}">'
            f'<s:Body><u:{action} xmlns:u="{kind}">{fields}</u:{action}></s:Body>'
            "</s:Envelope>\r\n").encode()


class ControlPoint:
    """One root device, as a host of the lab sees and uses it."""

    def __init__(self, lab, host="lan-a", view=1, location=None, source=""):
        self.location = location or locate(lab, host, view, source=source)
        url = urllib.parse.urlsplit(self.location)
        self.server = Server(lab, host, url.hostname, url.port, source)
        reply = self.server.ask("GET", url.path)
        if reply.status != 200:
            raise LabError(f"GET {self.location}: {reply.status}")
        self.description = xml.fromstring(reply.body)
        self.services = services_of(self.description)

    def call(self, service, action, kind=None, **arguments):
        """The OUT arguments; Fault when it was refused. `kind`: another service type to name."""
        place = self.services[service]
        kind = kind or place.type
        headers = {"SOAPAction": f'"{kind}#{action}"', "Content-Type": 'text/xml; charset="utf-8"'}
        reply = self.server.ask("POST", place.control, headers, envelope(kind, action, arguments))
        if reply.status not in (200, 500):
            raise LabError(f"{action}: HTTP status {reply.status}")
        document = xml.fromstring(reply.body)
        if reply.status == 500:
            raise Fault(int(find_text(document, "errorCode")),
                        find_text(document, "errorDescription"))
        answer, = next(found for found in document if local_name(found) == "Body")
        if answer.tag != f"{{{kind}}}{action}Response":
            raise LabError(f"{action} was answered with {answer.tag}")
        return {found.tag: found.text or "" for found in answer}

    def add(self, external, internal, action="AddPortMapping", **more):
        """`more`: any argument of the action without its "New"."""
        arguments = {"RemoteHost": "", "ExternalPort": external, "Protocol": "UDP",
                     "InternalPort": internal, "InternalClient": LAN_A, "Enabled": 1,
                     "PortMappingDescription": "lab", "LeaseDuration": 600, **more}
        kind = arguments.pop("kind", None)
        return self.call(IP, action, kind,
                         **{f"New{name}": value for name, value in arguments.items()})

    def delete(self, external, protocol="UDP", remote=""):
        return self.call(IP, "DeletePortMapping", NewRemoteHost=remote, NewExternalPort=external,
                         NewProtocol=protocol)

    def specific(self, external, protocol="UDP", remote=""):
        return self.call(IP, "GetSpecificPortMappingEntry", NewRemoteHost=remote,
                         NewExternalPort=external, NewProtocol=protocol)

    def listing(self):
        """All entries, as a client lists them: index by index until 713."""
        entries = []
        for index in range(1000):
            try:
                entries.append(self.call(IP, "GetGenericPortMappingEntry",
                                         NewPortMappingIndex=index))
            except Fault as end:
                if end.code != 713:
                    raise
                return entries
        raise LabError("the listing does not end")


def refusal(call, *arguments, **named):
    """The error code of a call that must not succeed."""
    try:
        told = call(*arguments, **named)
    except Fault as fault:
        return fault.code
    raise LabError(f"it was not refused: {told}")


# --- GENA -----------------------------------------------------------------------------------------

class Event(NamedTuple):
    sid: str
    seq: int
    values: dict
    headers: dict
    heard: float  # time.monotonic()


class Subscriber:
    """Listens on a host for events, and answers each with `status`."""

    status = "200 OK"

    def __init__(self, lab, host="lan-a", address=LAN_A, port=0):
        self.listener = lab.tcp_listener(host, port, address)
        self.port = self.listener.getsockname()[1]
        literal = f"[{address}]" if ":" in address else address
        self.url = f"http://{literal}:{self.port}/events"

    def next_event(self, timeout=PATIENCE):
        """The next event, or None when none comes."""
        self.listener.settimeout(timeout)
        try:
            connection, source = self.listener.accept()
        except TimeoutError:
            return None
        with contextlib.closing(connection):
            connection.settimeout(PATIENCE)
            message = parse_message(receive_request(connection), source)
            heard = time.monotonic()
            connection.sendall(f"HTTP/1.1 {self.status}\r\nContent-Length: 0\r\n"
                               "Connection: close\r\n\r\n".encode())
        if not message.start.startswith("NOTIFY "):
            raise LabError(f"not an event: {message.start}")
        properties = xml.fromstring(message.body)
        return Event(message.headers["sid"], int(message.headers["seq"]),
                     {element.tag: element.text or "" for held in properties for element in held},
                     message.headers, heard)


def receive_request(sock):
    octets = b""
    while True:
        head, end, body = octets.partition(b"\r\n\r\n")
        if end and len(body) >= int(parse_message(head).headers.get("content-length", 0)):
            return octets
        if not (more := sock.recv(65536)):
            raise LabError(f"the request was cut short: {octets!r}")
        octets += more


def subscribe(point, service, callback, **headers):
    """SUBSCRIBE to the events of a service; further headers replace the usual ones."""
    usual = {"CALLBACK": f"<{callback}>", "NT": "upnp:event", "TIMEOUT": "Second-1800"}
    return point.server.ask("SUBSCRIBE", point.services[service].event, {**usual, **headers})


def renew(point, service, sid):
    return point.server.ask("SUBSCRIBE", point.services[service].event,
                            {"SID": sid, "TIMEOUT": "Second-1800"})


def unsubscribe(point, service, sid):
    return point.server.ask("UNSUBSCRIBE", point.services[service].event, {"SID": sid})
