"""A node's daemon with nothing in it: answers on the control socket, and ends when asked to.

For tests of the lab itself. argv: the path of the node's settings.
"""

import os
import signal
import socket
import sys

from crmsh_py.wire import control, framing, settings


def main() -> int:
    with open(sys.argv[1], "rb") as file:
        mine = settings.load(file.read())
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    os.makedirs(os.path.dirname(mine.log), exist_ok=True)
    with open(mine.log, "a", encoding="utf-8") as log:
        log.write(f"{mine.node} started\n")
    if os.path.exists(os.path.dirname(mine.store) + "/fail"):
        print("this disk is bad", file=sys.stderr)
        return 3
    listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    listener.bind(mine.control_socket)
    listener.listen()
    while True:
        connection, _ = listener.accept()
        with connection:
            decoder = framing.RequestDecoder()
            while data := connection.recv(65536):
                for ticket, request in decoder.receive(data):
                    reply: control.Reply = control.Done()
                    if isinstance(request, control.ReadSubsystems):
                        reply = control.SubsystemsReply(pid=os.getpid(), subsystems=[])
                    connection.sendall(framing.encode_reply(ticket, reply))
                    if isinstance(request, control.StopDaemon):
                        return 0


if __name__ == "__main__":
    sys.exit(main())
