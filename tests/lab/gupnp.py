"""A GUPnP control point: finds WANIPConnection, tells its events, and calls actions when asked.

Run with the address to use and the version of the service. Each line of the input is a JSON list:
an action, its IN arguments by name, and the names of its OUT arguments. Each line of the output is
one, too: ["found", UDN], ["event", variable, value], ["done", OUT arguments] or ["failed", text].
"""

import json
import sys

import gi

gi.require_version("GSSDP", "1.6")
gi.require_version("GUPnP", "1.6")
from gi.repository import Gio, GLib, GObject, GSSDP, GUPnP  # noqa: E402

TYPES = {"ExternalIPAddress": str, "ConnectionStatus": str, "PortMappingNumberOfEntries": int}


def tell(*words):
    print(json.dumps(words), flush=True)


def call(proxy, action, arguments, results):
    request = GUPnP.ServiceProxyAction.new_from_list(action, list(arguments),
                                                     list(arguments.values()))
    try:
        proxy.call_action(request, None)
        values = request.get_result_list(results, [GObject.TYPE_STRING] * len(results))[1]
        tell("done", values)
    except GLib.Error as failure:
        tell("failed", failure.message)


def on_line(source, _condition, proxy):
    line = source.readline()
    if not line:
        proxy.set_subscribed(False)
        loop.quit()
        return False
    call(proxy, *json.loads(line))
    return True


def on_found(_point, proxy):
    if proxy.get_service_type() != kind_of_service:
        return  # GUPnP shows higher versions, too
    tell("found", proxy.get_udn())
    for variable, kind in TYPES.items():
        proxy.add_notify(variable, GObject.GType(kind),
                         lambda _proxy, name, value, _data: tell("event", name, value), None)
    proxy.set_subscribed(True)
    GLib.io_add_watch(sys.stdin, GLib.PRIORITY_DEFAULT, GLib.IO_IN | GLib.IO_HUP, on_line, proxy)


address, version = sys.argv[1:]
loop = GLib.MainLoop()
context = GUPnP.Context.new_full(None, Gio.InetAddress.new_from_string(address), 0,
                                 GSSDP.UDAVersion.VERSION_1_1)
kind_of_service = f"urn:schemas-upnp-org:service:WANIPConnection:{version}"
point = GUPnP.ControlPoint.new(context, kind_of_service)
point.connect("service-proxy-available", on_found)
point.set_active(True)
loop.run()
