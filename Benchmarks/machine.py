# SPDX-License-Identifier: Apache-2.0
"""Processes and their costs: a private PostgreSQL, Lucarne, nginx, and what /proc says of them."""
import glob, os, pwd, re, shutil, signal, subprocess, sys, time, urllib.error, urllib.request

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
LUCARNE = os.path.join(ROOT, ".build/release/lucarne")
SECRET = "benchmark-secret-of-more-than-32-bytes"
TICKS = os.sysconf("SC_CLK_TCK")


def children(pid):
    try:
        direct = open(f"/proc/{pid}/task/{pid}/children").read().split()
    except OSError:
        return []
    return [pid] + [grandchild for child in direct for grandchild in children(int(child))]


def cpu_seconds(pid):
    total = 0
    for member in children(pid):
        try:
            stat = open(f"/proc/{member}/stat").read()
        except OSError:
            continue
        fields = stat[stat.rindex(")") + 2:].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICKS


def resident_megabytes(pid):
    total = 0
    for member in children(pid):
        try:
            status = open(f"/proc/{member}/status").read()
        except OSError:
            continue
        total += int(re.search(r"VmRSS:\s+(\d+)", status).group(1))
    return total / 1024


def answers(url):
    try:
        return urllib.request.urlopen(url, timeout=2).status == 200
    except (urllib.error.URLError, OSError):
        return False


def wait_for(url, process, patience=20):
    started = time.monotonic()
    while not answers(url):
        if process.poll() is not None or time.monotonic() - started > patience:
            sys.exit(f"{url} does not answer")
        time.sleep(0.002)
    return time.monotonic() - started


class Postgres:
    """A server of its own in a temporary folder, on a Unix socket only."""

    def __init__(self, directory):
        self.directory, self.data = directory, os.path.join(directory, "data")
        folders = glob.glob("/usr/lib/postgresql/*/bin")
        self.bin = max(folders, key=lambda folder: float(folder.split("/")[-2]))
        self.user = pwd.getpwnam("postgres") if os.getuid() == 0 else None
        if self.user:
            os.chown(directory, self.user.pw_uid, self.user.pw_gid)
        self.run("initdb", "-D", self.data, "-U", "postgres", "-A", "trust", "-E", "UTF8", "--locale=C")
        with open(os.path.join(self.data, "postgresql.conf"), "a") as file:
            file.write(
                f"listen_addresses = ''\nunix_socket_directories = '{directory}'\n"
                "shared_buffers = 256MB\nmax_connections = 100\njit = off\n"
            )
        self.log = os.path.join(directory, "log")
        self.run("pg_ctl", "-D", self.data, "-l", self.log, "-w", "start")

    def run(self, program, *arguments):
        options = dict(user=self.user.pw_uid, group=self.user.pw_gid) if self.user else {}
        subprocess.run(
            [os.path.join(self.bin, program), *arguments], check=True, cwd=self.directory,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, **options,
        )

    @property
    def url(self):
        return f"postgresql://postgres@/postgres?host={self.directory}"

    def psql(self, *arguments):
        return subprocess.run(
            ["psql", "-qAtX", "-v", "ON_ERROR_STOP=1", "-d", self.url, *arguments],
            check=True, capture_output=True, text=True,
        ).stdout.strip()

    def stop(self):
        self.run("pg_ctl", "-D", self.data, "-m", "immediate", "stop")


class Server:
    """A process that serves HTTP on a port of this machine, its log in a real file."""

    def __init__(self, name, port, command, directory, environment=None, ready="/"):
        self.name, self.base = name, f"http://127.0.0.1:{port}"
        self.log = os.path.join(directory, f"{name}.log")
        started = time.monotonic()
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=directory,
                env={**os.environ, **(environment or {})},
            )
        wait_for(self.base + ready, self.process)
        self.start_seconds = time.monotonic() - started

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(30)
        except subprocess.TimeoutExpired:
            self.process.kill()


def settings(url, **more):
    return {"DATABASE_URL": url, "LUCARNE_JWT_SECRET": SECRET, **more}


def lucarne(name, port, url, directory, **more):
    command = [LUCARNE, "serve", "--address", f"127.0.0.1:{port}"]
    return Server(name, port, command, directory, settings(url, **more), ready="/readyz")


def token():
    return subprocess.run(
        [LUCARNE, "token", "--role", "authenticated", "--expires", "24h",
         "--subject", "16100107-0000-4000-8000-000000000001"],
        env={**os.environ, "LUCARNE_JWT_SECRET": SECRET}, check=True, capture_output=True, text=True,
    ).stdout.strip()


NGINX = """
worker_processes 1; daemon off; pid {directory}/nginx.pid; error_log {directory}/nginx-error.log;
events {{ worker_connections 4096; }}
http {{
  log_format record escape=json '{{"time":"$time_iso8601","request_id":"$request_id",'
    '"method":"$request_method","uri":"$request_uri","status":$status,"bytes":$bytes_sent,'
    '"duration":$request_time,"client":"$remote_addr","agent":"$http_user_agent"}}';
  access_log {directory}/nginx-access.log record;
  client_body_temp_path {directory}/b; proxy_temp_path {directory}/p; fastcgi_temp_path {directory}/f;
  uwsgi_temp_path {directory}/u; scgi_temp_path {directory}/s;
  keepalive_requests 1000000000;
  server {{
    listen 127.0.0.1:{port} backlog=1024;
    location / {{ default_type application/json; return 200 '{body}'; }}
  }}
}}
"""


def nginx(port, directory, body):
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    configuration = os.path.join(directory, "nginx.conf")
    with open(configuration, "w") as file:
        file.write(NGINX.format(directory=directory, port=port, body=body))
    return Server("nginx", port, [program, "-c", configuration, "-p", directory], directory)
