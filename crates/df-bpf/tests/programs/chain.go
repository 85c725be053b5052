// A server of goroutines that asks a second server twice for every request, by one client for all. For the tests of causes.
//
//	chain BACK_URL    prints the port it listens at; ends when its input does
//	chain back        is a second server, of HTTP/2 with TLS; the same
package main

import (
	"crypto/tls"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"time"
)

func main() {
	if os.Args[1] == "back" {
		serveBack()
	} else {
		serveFront(os.Args[1])
	}
	io.Copy(io.Discard, os.Stdin)
}

func serveBack() {
	server := httptest.NewUnstartedServer(http.HandlerFunc(func(response http.ResponseWriter, request *http.Request) {
		io.Copy(io.Discard, request.Body)
		time.Sleep(2 * time.Millisecond)
		fmt.Fprint(response, "ok")
	}))
	server.EnableHTTP2 = true
	server.StartTLS()
	fmt.Println(server.Listener.Addr().(*net.TCPAddr).Port)
}

func serveFront(back string) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		panic(err)
	}
	fmt.Println(listener.Addr().(*net.TCPAddr).Port)
	transport := &http.Transport{
		MaxIdleConnsPerHost: 4,
		ForceAttemptHTTP2:   true,
		TLSClientConfig:     &tls.Config{InsecureSkipVerify: true},
	}
	client := &http.Client{Transport: transport}
	http.HandleFunc("/", func(response http.ResponseWriter, request *http.Request) {
		number := request.Header.Get("X-Number")
		for _, part := range []string{"one", "two"} {
			var body io.Reader
			if strings.HasPrefix(back, "https") {
				// Header fields are compressed, bodies are not.
				body = strings.NewReader(number)
			}
			asked, err := http.NewRequest("GET", back+"/"+part, body)
			if err != nil {
				panic(err)
			}
			asked.Header.Set("X-Number", number)
			answer, err := client.Do(asked)
			if err != nil {
				panic(err)
			}
			io.Copy(io.Discard, answer.Body)
			answer.Body.Close()
			time.Sleep(time.Millisecond)
		}
		fmt.Fprint(response, "ok")
	})
	go http.Serve(listener, nil)
}
