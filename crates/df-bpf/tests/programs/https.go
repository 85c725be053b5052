// A server and a client that speak HTTPS by Go's crypto/tls, for the tests of its hooks.
//
//	https server CERTIFICATE KEY          prints the port it listens at
//	https client URL REQUESTS CONNECTIONS asks that often over that many connections at once
package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"strconv"
	"strings"
	"sync"
	"time"
)

func main() {
	if os.Args[1] == "server" {
		serve(os.Args[2], os.Args[3])
		return
	}
	requests, _ := strconv.Atoi(os.Args[3])
	connections, _ := strconv.Atoi(os.Args[4])
	var all sync.WaitGroup
	for connection := 0; connection < connections; connection++ {
		all.Add(1)
		go func(connection int) {
			defer all.Done()
			ask(os.Args[2], connection, requests)
		}(connection)
	}
	all.Wait()
	// A slow machine may have the last answer before the call that sent its request has returned, and what does not return is not told.
	time.Sleep(200 * time.Millisecond)
}

func serve(certificate, key string) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	http.HandleFunc("/", func(response http.ResponseWriter, request *http.Request) {
		body, _ := io.ReadAll(request.Body)
		fmt.Fprintf(response, "answer to %s from %s with %d bytes", request.URL, request.RemoteAddr, len(body))
	})
	// HTTP/1.1 only, so that the plain text can be read.
	server := http.Server{TLSNextProto: map[string]func(*http.Server, *tls.Conn, http.Handler){}}
	panic(server.ServeTLS(listener, certificate, key))
}

func ask(url string, connection, requests int) {
	transport := &http.Transport{TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}
	client := http.Client{Transport: transport}
	for request := 0; request < requests; request++ {
		path := fmt.Sprintf("%s/connection/%d/request/%d", url, connection, request)
		response, err := client.Post(path, "text/plain", strings.NewReader(strings.Repeat("x", request)))
		if err != nil {
			panic(err)
		}
		body, _ := io.ReadAll(response.Body)
		response.Body.Close()
		fmt.Println(string(body))
	}
}
