import { createHash, randomUUID } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type RequestListener } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { dirname, join } from 'node:path'

// A web server over a folder that takes uploads, in a process of its own: dvc is waited for in that of the test.
const [folder = '.', login = '', identity = '', digest = ''] = process.argv.slice(2)

const listener: RequestListener = (request, response) => {
  const path = join(folder, decodeURIComponent(new URL(request.url ?? '/', 'http://x').pathname))
  if (login !== '' && !isIn(request)) {
    request.resume()
    response.writeHead(401, { 'www-authenticate': digest === '' ? 'Basic' : challenge() }).end()
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
function isIn({ headers, method, url }: IncomingMessage): boolean {
  const { authorization = '' } = headers
  if (digest === '') return authorization === `Basic ${Buffer.from(login).toString('base64')}`
  const said = new Map(
    Array.from(authorization.matchAll(/([a-z]+)=(?:"([^"]*)"|([^\s,]+))/g), (found) => [
      found[1],
      found[2] ?? found[3] ?? '',
    ]),
  )
  const hash = (text: string) =>
    createHash(digest.replace('-', '').toLowerCase()).update(text).digest('hex')
  const [user = '', password = ''] = login.split(':')
  const [nonce = '', nc = '', cnonce = ''] = ['nonce', 'nc', 'cnonce'].map((key) => said.get(key))
  const secret = hash(`${user}:a realm:${password}`)
  const response = hash(`${secret}:${nonce}:${nc}:${cnonce}:auth:${hash(`${method}:${url}`)}`)
  const used = counts.get(nonce)
  // Each number is good for a few requests, and each count for one.
  if (used === undefined || used.has(nc) || used.size >= 3) return false
  used.add(nc)
  return (
    said.get('uri') === url && said.get('username') === user && said.get('response') === response
  )
}

function challenge(): string {
  const nonce = randomUUID()
  counts.set(nonce, new Set())
  return `Basic realm="b", Digest realm="a realm", qop="auth,auth-int", algorithm=${digest}, nonce="${nonce}", opaque="o"`
}

const counts = new Map<string, Set<string>>()

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
