package main

import (
	"bytes"
	"net"
	"testing"
)

func TestEveryClientIsAnsweredByItsServer(t *testing.T) {
	for name, want := range map[string]string{
		"calc_protobuf":    "2 + 3 = 5\n8 - 4 = 4\n",
		"hello-world":      "Hello world\nHello incredible world\n",
		"server-streaming": "Hello\nincredible\nworld\n",
	} {
		t.Run(name, func(t *testing.T) {
			listener, err := net.ListenTCP("tcp", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1)})
			if err != nil {
				t.Fatal(err)
			}
			server, err := examples[name].server()
			if err != nil {
				t.Fatal(err)
			}
			served := make(chan error, 1)
			go func() { served <- server.Serve(listener) }()
			var out bytes.Buffer
			if err := examples[name].client(t.Context(), listener.Addr().String(), &out); err != nil {
				t.Error(err)
			}
			if out.String() != want {
				t.Errorf("printed %q, want %q", out.String(), want)
			}
			_ = server.Close()
			<-served
		})
	}
}
