/** How nginx and HAProxy are told to do what the gateway does in a benchmark, each with one thread. */
import { host } from './proxy-rig.ts';

/** How a client speaks to a proxy: HTTP/1.1, HTTP/2 in clear, HTTP/1.1 over TLS. */
export const ways = ['http', 'h2c', 'https'] as const;
export type Way = (typeof ways)[number];
export type WayPorts = Readonly<Record<Way, number>>;

export interface ProxyConfig {
  readonly folder: string;
  readonly ports: WayPorts;
  readonly backends: readonly number[];
  /** A file with key and certificate. */
  readonly pem: string;
}

export function haproxyConfig({ ports, backends, pem }: ProxyConfig): string {
  return [
    'global',
    '  nbthread 1',
    '  maxconn 8192',
    'defaults',
    '  mode http',
    '  timeout connect 5s',
    '  timeout client 1h',
    '  timeout server 1h',
    '  option forwardfor',
    '  http-reuse always',
    'listen bench',
    `  bind ${host}:${ports.http}`,
    `  bind ${host}:${ports.h2c} proto h2`,
    `  bind ${host}:${ports.https} ssl crt ${pem} alpn http/1.1`,
    '  balance roundrobin',
    '  cookie SRV insert indirect nocache',
    ...backends.map((backend, i) => `  server s${i} ${host}:${backend} cookie s${i}`),
    '',
  ].join('\n');
}

/** It has no cookie affinity of its own: what it does less is to its favour. */
export function nginxConfig({ folder, ports, backends, pem }: ProxyConfig): string {
  return `
daemon off; master_process off; worker_processes 1; pid ${folder}/pid; error_log stderr error;
events { worker_connections 8192; }
http {
  access_log off;
  client_body_temp_path ${folder}/b; proxy_temp_path ${folder}/p; fastcgi_temp_path ${folder}/f;
  uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
  keepalive_requests 100000000;
  upstream bench { ${backends.map((backend) => `server ${host}:${backend};`).join(' ')} keepalive 1024; keepalive_requests 100000000; }
  server {
    listen ${host}:${ports.http} backlog=4096;
    listen ${host}:${ports.h2c} http2;
    listen ${host}:${ports.https} ssl;
    ssl_certificate ${pem}; ssl_certificate_key ${pem};
    location / {
      proxy_pass http://bench; proxy_http_version 1.1; proxy_set_header Connection "";
      proxy_set_header Host $host; proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for;
      proxy_buffers 16 16k; proxy_buffer_size 16k; proxy_max_temp_file_size 0;
    }
  }
}
`;
}
