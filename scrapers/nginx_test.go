package scrapers

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"syscall"
	"testing"
)

// nginx serves a folder over loopback with the real thing, until the test ends: static files with their ranges and validators, and text
// and XML packed on the fly for whoever asks. It skips the test where there is no nginx.
func nginx(t testing.TB, root string) (baseURL string) {
	t.Helper()
	program, err := exec.LookPath("nginx")
	if err != nil {
		if program = "/usr/sbin/nginx"; exec.Command(program, "-v").Run() != nil {
			t.Skip("nginx is not installed: apt-get install nginx-light")
		}
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	socket, err := l.(*net.TCPListener).File()
	if err != nil {
		t.Fatal(err)
	}
	defer socket.Close()
	me, err := user.Current() // its worker has to read the folder
	if err != nil {
		t.Fatal(err)
	}
	own := t.TempDir()
	conf := filepath.Join(own, "nginx.conf")
	if err := os.WriteFile(conf, fmt.Appendf(nil, `
daemon off;
user %[4]s;
worker_processes 1;
pid %[1]s/pid;
error_log stderr;
events { worker_connections 128; }
http {
	access_log off;
	client_body_temp_path %[1]s/body;
	proxy_temp_path %[1]s/proxy;
	fastcgi_temp_path %[1]s/fastcgi;
	uwsgi_temp_path %[1]s/uwsgi;
	scgi_temp_path %[1]s/scgi;
	types { text/html html; text/plain txt; application/xml xml; application/gzip gz; }
	default_type application/octet-stream;
	gzip on;
	gzip_comp_level 1;
	gzip_types text/plain application/xml;
	server { listen %[2]s; root %[3]s; }
}
`, own, l.Addr(), root, me.Username), 0o600); err != nil {
		t.Fatal(err)
	}
	var said bytes.Buffer
	cmd := exec.Command(program, "-p", own, "-c", conf)
	cmd.Stderr = &said
	// It takes over a socket that listens already, as it does from an older nginx at an upgrade, so that there is no port to lose and nothing to
	// wait for.
	cmd.ExtraFiles = []*os.File{socket} // number 3
	cmd.Env = append(os.Environ(), "NGINX=3;")
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Signal(syscall.SIGTERM) // ends its worker too; it is gone already where it failed, which what it said shows
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("nginx said:\n%s", said.String())
		}
	})
	return "http://" + l.Addr().String()
}
