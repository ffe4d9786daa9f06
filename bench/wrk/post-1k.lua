-- A POST of 1 KiB; wrk formats it once.
wrk.method = 'POST'
wrk.body = string.rep('x', 1024)
wrk.headers['Content-Type'] = 'application/octet-stream'
