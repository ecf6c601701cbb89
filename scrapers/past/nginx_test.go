package past

import (
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
)

// nginx serves a folder with a real nginx until the test ends. Where the program is missing, the test is skipped.
func nginx(t testing.TB, root string) (baseURL string) {
	t.Helper()
	program, err := exec.LookPath("nginx")
	if err != nil {
		program = "/usr/sbin/nginx" // not on everyone's PATH
	}
	if _, err := os.Stat(program); err != nil {
		t.Skip("there is no nginx: not measured (apt-get install nginx)")
	}
	// nginx takes over a socket that is open already: its port is free for certain, and connections wait until it is ready.
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
	dir := t.TempDir()
	conf, log := filepath.Join(dir, "nginx.conf"), filepath.Join(dir, "error.log")
	user := "" // a worker of its own user could not read the test's folder; who is not root cannot have one
	if os.Geteuid() == 0 {
		user = "user root root;"
	}
	text := fmt.Sprintf(`daemon off; worker_processes 1; %[5]s pid %[1]s/pid; error_log %[2]s;
events {}
http {
	access_log off; default_type application/octet-stream; types { text/html html; application/xml xml; text/plain txt; application/gzip gz; }
	client_body_temp_path %[1]s/a; proxy_temp_path %[1]s/b; fastcgi_temp_path %[1]s/c; uwsgi_temp_path %[1]s/d; scgi_temp_path %[1]s/e;
	server { listen %[3]s; root %[4]s; }
}
`, dir, log, l.Addr(), root, user)
	if err := os.WriteFile(conf, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(program, "-p", dir, "-e", log, "-c", conf)
	cmd.Env = append(os.Environ(), "NGINX=3;")
	cmd.ExtraFiles = []*os.File{socket}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cmd.Process.Signal(syscall.SIGTERM)
		if err := cmd.Wait(); err != nil {
			said, _ := os.ReadFile(log)
			t.Errorf("nginx: %v\n%s", err, said)
		}
	})
	return "http://" + l.Addr().String()
}
