import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'

// A web server over a folder that takes uploads, in a process of its own: dvc is waited for in that of the test.
const [folder = '.', login = '', identity = ''] = process.argv.slice(2)

const listener: RequestListener = (request, response) => {
  const path = join(folder, decodeURIComponent(new URL(request.url ?? '/', 'http://x').pathname))
  const wanted = `Basic ${Buffer.from(login).toString('base64')}`
  if (login !== '' && request.headers.authorization !== wanted) {
    request.resume()
    response.writeHead(401, { 'www-authenticate': 'Basic' }).end()
    return
  }
  if (request.method === 'POST' || request.method === 'PUT') {
    const parts: Buffer[] = []
    request.on('data', (part: Buffer) => parts.push(part))
    request.on('end', () => {
      mkdirSync(dirname(path), { recursive: true })
      writeFileSync(path, Buffer.concat(parts))
      response.writeHead(201).end()
    })
    return
  }
  readFile(path).then(
    (bytes) =>
      response
        .writeHead(200, { 'content-length': bytes.length })
        .end(request.method === 'HEAD' ? undefined : bytes),
    () => response.writeHead(404).end(),
  )
}
const server =
  identity === ''
    ? createServer(listener)
    : createTlsServer(
        {
          key: readFileSync(join(identity, 'key.pem')),
          cert: readFileSync(join(identity, 'cert.pem')),
        },
        listener,
      )
server.listen(0, '127.0.0.1', () => {
  process.stdout.write(`${(server.address() as AddressInfo).port}\n`)
})
