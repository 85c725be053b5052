# nginx hands requests to PHP, each on a connection of its own: statuses, a redirect, an error that PHP writes to its
# standard error, a body of 40 KB in either direction, HEAD, and trace context in a header.
# servers: php-fpm
# clients: nginx curl
root=$(pwd)
cat > nginx.conf <<NGINX
daemon off;
master_process off;
pid $root/nginx.pid;
error_log /dev/null;
events { worker_connections 64; }
http {
    access_log off;
    client_body_temp_path $root/body;
    fastcgi_temp_path $root/fastcgi;
    upstream php { server $SERVER:9000;  }
    server {
        listen 127.0.0.1:8080;
        server_name shop.test;
        location / {
            include /etc/nginx/fastcgi_params;
            fastcgi_param SCRIPT_FILENAME $root/index.php;
            fastcgi_pass php;
            fastcgi_keep_conn off;
        }
    }
}
NGINX
nginx -c "$root/nginx.conf" 2> /dev/null &
nginx=$!
sleep 0.5
url=http://127.0.0.1:8080
curl -s -o /dev/null -H "traceparent: 00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01" "$url/orders/7?token=secret"
curl -s -o /dev/null "$url/missing"
curl -s -o /dev/null "$url/moved"
curl -s -o /dev/null -H "X-Request-Id: from-curl" "$url/broken"
curl -s -o /dev/null "$url/large"
head -c 40000 /dev/zero | curl -s -o /dev/null --data-binary @- "$url/upload"
curl -s -o /dev/null --head "$url/"
kill $nginx
wait $nginx || true
