import { Agent, request as overHttp, type IncomingMessage } from 'node:http'
import { Agent as TlsAgent, request as overHttps } from 'node:https'
import { pipeline } from 'node:stream'
import { messageOf, Problem } from '#base/problem'
import { digestLogin, type DigestLogin } from './digest.ts'
import { trust, type RemoteOptions } from './s3.ts'
import {
  eachOf,
  Passing,
  persistently,
  type Kept,
  type Outgoing,
  type Tidying,
  type Transport,
} from './transport.ts'

/** A server that is an Orrery says so with every answer; it tells of many objects at once. */
const ORRERY = 'x-orrery-remote'
const ASKED_AT_ONCE = 20_000
const REDIRECTS_MAX = 5
const SILENCE_MS = 60_000
const ANSWER_BYTES_MAX = 16 << 20

interface Call {
  readonly method: string
  readonly url: URL
  readonly headers?: Record<string, string | number>
  readonly body?: Outgoing | Buffer
}

interface Server {
  readonly where: string
  readonly base: string
  readonly uploads: string
  call(call: Call): Promise<IncomingMessage>
}

/** A web server: it has no lists, so each object is asked for; an Orrery is asked for many at once. */
export async function httpTransport(url: string, options: RemoteOptions): Promise<Transport> {
  const server = serverAt(url, options)
  return {
    where: server.where,
    list: undefined,
    present: (keys, jobs) => present(server, keys, jobs),
    read: (key, from) => read(server, key, from),
    write: (key, file) => write(server, key, file),
    tidying: () => tidying(server),
  }
}

export function serverAt(url: string, options: RemoteOptions): Server {
  const address = new URL(url)
  const login = loginOf(address, options)
  const digest =
    options.get('auth')?.toLowerCase() === 'digest' ? digestOf(address, options) : undefined
  address.username = ''
  address.password = ''
  const timeout = Number(options.get('read_timeout') ?? 60) * 1000
  const agent = new Agent({ keepAlive: true })
  const tlsAgent = new TlsAgent({ keepAlive: true, ...trust(options.get('ssl_verify')) })
  const base = address.href.replace(/\/+$/, '')
  return {
    where: base,
    base,
    uploads: (options.get('method') ?? 'POST').toUpperCase(),
    call: (call) => {
      const isOurs = call.url.host === address.host && call.url.protocol === address.protocol
      const agentOf = call.url.protocol === 'https:' ? tlsAgent : agent
      const send = (wanted: Call) => answered(base, wanted, { agent: agentOf, timeout })
      if (isOurs && digest !== undefined) return challenged(digest, call, send)
      return send({ ...call, headers: { ...(isOurs ? login : {}), ...call.headers } })
    },
  }
}

function digestOf(address: URL, options: RemoteOptions): DigestLogin {
  return digestLogin({
    user: options.get('user') ?? decodeURIComponent(address.username),
    password: options.get('password') ?? decodeURIComponent(address.password),
  })
}

/** Asks as often as the server gives another number to answer with; what is sent goes only after one was had. */
async function challenged(
  digest: DigestLogin,
  call: Call,
  send: (call: Call) => Promise<IncomingMessage>,
): Promise<IncomingMessage> {
  const withLogin = async (authorization: string | undefined) => {
    const headers = { ...call.headers, ...(authorization === undefined ? {} : { authorization }) }
    return send({ ...call, headers })
  }
  const { method, url, body } = call
  let authorization = digest.header(method, url)
  if (authorization === undefined && body !== undefined) {
    const first = await send({ method: 'HEAD', url })
    first.resume()
    if (digest.learn(first)) authorization = digest.header(method, url)
  }
  const answer = await withLogin(authorization)
  if (answer.statusCode !== 401 || !digest.learn(answer)) return answer
  answer.resume()
  return withLogin(digest.header(method, url))
}

/** The header that says who asks. */
function loginOf(address: URL, options: RemoteOptions): Record<string, string> {
  const kind = options.get('auth')?.toLowerCase()
  const user = options.get('user') ?? decodeURIComponent(address.username)
  const password = options.get('password') ?? decodeURIComponent(address.password)
  const custom = options.get('custom_auth_header')
  if (kind === 'custom') {
    if (custom === undefined)
      throw new Problem(
        'invalid',
        'the remote has auth = custom; set custom_auth_header too, the name of the header',
      )
    return { [custom]: password }
  }
  if (kind === 'digest' || (kind !== 'basic' && user === '')) return {}
  return { authorization: `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` }
}

function answered(
  where: string,
  { method, url, headers, body }: Call,
  how: { agent: Agent; timeout: number },
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const passing = (error: Error) =>
      reject(error instanceof Problem ? error : unreachable(where, error))
    const request = (url.protocol === 'https:' ? overHttps : overHttp)(url, {
      method,
      agent: how.agent,
      timeout: how.timeout || SILENCE_MS,
      headers: {
        ...headers,
        ...(body === undefined
          ? {}
          : { 'content-length': Buffer.isBuffer(body) ? body.length : body.sizeBytes }),
      },
    })
    request.on('timeout', () => request.destroy(new Error('no answer in time')))
    request.on('response', resolve)
    request.on('error', passing)
    if (body === undefined) request.end()
    else if (Buffer.isBuffer(body)) request.end(body)
    else
      pipeline(body.open(), request, (error) => {
        if (error) passing(error)
      })
  })
}

const NOT_BELIEVED = /CERT|UNABLE_TO_(?:VERIFY|GET_ISSUER)/

function unreachable(where: string, error: Error & { code?: string }): Error {
  const why = messageOf(error)
  if (NOT_BELIEVED.test(error.code ?? ''))
    return new Problem(
      'unavailable',
      `the certificate of ${where} is not believed (${why}); set ssl_verify of the remote to the file with the certificate of who signed it`,
    )
  return new Passing(
    `${where} cannot be reached (${why}); check the address, and that the server is up`,
    { cause: error },
  )
}

function urlOf(server: Server, key: string): URL {
  return new URL(`${server.base}/${key.split('/').map(encodeURIComponent).join('/')}`)
}

/** GET and HEAD go where the server sends them. */
export async function asked(server: Server, call: Call): Promise<IncomingMessage> {
  let { url } = call
  for (let turn = 0; turn <= REDIRECTS_MAX; turn++) {
    const answer = await server.call({ ...call, url })
    const status = answer.statusCode ?? 0
    const { location } = answer.headers
    if (![301, 302, 303, 307, 308].includes(status) || location === undefined) return answer
    answer.resume()
    url = new URL(location, url)
    if (!['http:', 'https:'].includes(url.protocol)) break
  }
  throw new Problem('unavailable', `${server.where} sends from one address to another without end`)
}

async function present(
  server: Server,
  keys: readonly string[],
  jobs: number,
): Promise<ReadonlySet<string>> {
  const found = new Set<string>()
  const [first, ...others] = keys
  if (first === undefined) return found
  let isOrrery = false
  const ask = (key: string) =>
    persistently(async () => {
      const answer = await asked(server, { method: 'HEAD', url: urlOf(server, key) })
      answer.resume()
      isOrrery ||= answer.headers[ORRERY] !== undefined
      if (isFound(server, answer)) found.add(key)
    })
  await ask(first)
  if (!isOrrery) {
    await eachOf(others, jobs, ask)
    return found
  }
  for (let from = 0; from < others.length; from += ASKED_AT_ONCE)
    for (const key of await presentAtOnce(server, others.slice(from, from + ASKED_AT_ONCE)))
      found.add(key)
  return found
}

async function presentAtOnce(server: Server, keys: readonly string[]): Promise<string[]> {
  return persistently(async () => {
    const answer = await server.call({
      method: 'POST',
      url: new URL(`${server.base}/present`),
      headers: { 'content-type': 'application/json' },
      body: Buffer.from(JSON.stringify({ keys })),
    })
    const text = await textOf(answer)
    if (answer.statusCode !== 200) throw refusal(server, answer, text)
    return (JSON.parse(text) as { present: string[] }).present
  })
}

function isFound(server: Server, answer: IncomingMessage): boolean {
  const status = answer.statusCode ?? 0
  if (status >= 200 && status < 300) return true
  if (status === 404 && answer.headers['x-orrery-problem'] === undefined) return false
  throw refusal(server, answer, '')
}

async function read(server: Server, key: string, from: number) {
  const headers = {
    'accept-encoding': 'identity',
    ...(from === 0 ? {} : { range: `bytes=${from}-` }),
  }
  const answer = await asked(server, { method: 'GET', url: urlOf(server, key), headers })
  const status = answer.statusCode ?? 0
  if (status !== 200 && status !== 206) {
    const text = await textOf(answer)
    if (status === 404) return undefined
    throw refusal(server, answer, text)
  }
  if (from > 0 && status === 200) {
    answer.destroy()
    throw new Problem(
      'unavailable',
      `the transfer from ${server.where} broke off after ${from} bytes, and the server cannot go on from there; run the command again`,
    )
  }
  const length = answer.headers['content-length']
  return { bytes: answer, sizeBytes: length === undefined ? undefined : Number(length) }
}

async function write(server: Server, key: string, file: Outgoing): Promise<void> {
  const answer = await server.call({
    method: server.uploads,
    url: urlOf(server, key),
    headers: { 'content-type': 'application/octet-stream' },
    body: file,
  })
  const text = await textOf(answer)
  const status = answer.statusCode ?? 0
  if (status < 200 || status >= 300) throw refusal(server, answer, text)
}

/** Of whom only an Orrery can say what it has. */
async function tidying(server: Server): Promise<Tidying> {
  const url = urlOf(server, `files/md5/00/${'0'.repeat(30)}`)
  const answer = await persistently(() => asked(server, { method: 'HEAD', url }))
  answer.resume()
  isFound(server, answer)
  if (answer.headers[ORRERY] === undefined)
    throw new Problem(
      'unsupported',
      `${server.where} is a web server that cannot list what it has, so nobody can tell what lies there; clean up in its folder on the server's machine, or share data over a data store of Orrery's (\`orrery data-store create\`), which can`,
    )
  return { objects: () => listed(server), remove: (key) => removed(server, key), moving: undefined }
}

const LISTED_AT_ONCE = 10_000

async function* listed(server: Server): AsyncIterable<Kept> {
  for (let after: string | undefined; ;) {
    const url = new URL(server.base)
    url.searchParams.set('limit', String(LISTED_AT_ONCE))
    if (after !== undefined) url.searchParams.set('after', after)
    const answer = await asked(server, { method: 'GET', url })
    const text = await textOf(answer)
    if (answer.statusCode !== 200) throw refusal(server, answer, text)
    const page = JSON.parse(text) as { objects: Kept[]; next: string | null }
    yield* page.objects
    if (page.next === null) return
    // A list that does not get on would be read for ever.
    if (page.next === after)
      throw new Problem('unavailable', `${server.where} lists ${after} twice; see to that server`)
    after = page.next
  }
}

async function removed(server: Server, key: string): Promise<void> {
  const answer = await server.call({ method: 'DELETE', url: urlOf(server, key) })
  const text = await textOf(answer)
  const status = answer.statusCode ?? 0
  const isGone = status === 404 && answer.headers['x-orrery-problem'] === undefined
  if (!isGone && (status < 200 || status >= 300)) throw refusal(server, answer, text)
}

async function textOf(answer: IncomingMessage): Promise<string> {
  const parts: Buffer[] = []
  let sizeBytes = 0
  try {
    for await (const chunk of answer) {
      sizeBytes += (chunk as Buffer).length
      if (sizeBytes <= ANSWER_BYTES_MAX) parts.push(chunk as Buffer)
    }
  } catch (error) {
    throw new Passing(`the answer broke off (${messageOf(error)})`, { cause: error })
  }
  return Buffer.concat(parts).toString('utf8')
}

const MEANINGS: Readonly<Record<number, string>> = {
  401: 'it wants another login; set auth (basic, digest or custom), user and password of the remote with `orrery remote modify --local`',
  403: 'this login may not do that',
  404: 'there is nothing at that address; correct the url of the remote',
  405: 'it does not take uploads in that way; set method of the remote to PUT or POST',
  413: 'the object is too large for it',
  507: 'it has no space left',
}

export function refusal(
  server: Pick<Server, 'where'>,
  answer: IncomingMessage,
  text: string,
): Error {
  const status = answer.statusCode ?? 0
  const said = detailIn(text)
  const why = said ?? MEANINGS[status] ?? (answer.statusMessage || 'without a reason')
  const message = `${server.where} answered ${status}: ${why}`
  return status >= 500 && status !== 507 && status !== 501
    ? new Passing(message)
    : new Problem('unavailable', message)
}

function detailIn(text: string): string | undefined {
  try {
    const { detail } = JSON.parse(text) as { detail?: unknown }
    return typeof detail === 'string' ? detail : undefined
  } catch {
    return undefined
  }
}
