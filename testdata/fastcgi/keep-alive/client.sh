# nginx hands requests to PHP over one connection that it keeps.
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
    upstream php { server $SERVER:9000; keepalive 1; }
    server {
        listen 127.0.0.1:8080;
        server_name shop.test;
        location / {
            include /etc/nginx/fastcgi_params;
            fastcgi_param SCRIPT_FILENAME $root/index.php;
            fastcgi_pass php;
            fastcgi_keep_conn on;
        }
    }
}
NGINX
nginx -c "$root/nginx.conf" 2> /dev/null &
nginx=$!
sleep 0.5
for path in / /missing "/search?q=lamp" /large /; do
    curl -s -o /dev/null "http://127.0.0.1:8080$path"
done
kill $nginx
wait $nginx || true
