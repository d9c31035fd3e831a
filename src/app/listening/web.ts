import fastifyStatic from '@fastify/static'
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Problem } from '#base/problem'

// Both src/app/listening and dist/app/listening lie three folders below web/dist's parent.
const BUILT = fileURLToPath(new URL('../../../web/dist', import.meta.url))

/** What a page of ours may do: run its own files and call its own server, nothing else. */
const POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "font-src 'self'",
  "img-src 'self' data:",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ')

const HEADERS = {
  'content-security-policy': POLICY,
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
  'permissions-policy': 'camera=(), geolocation=(), microphone=()',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
}

/** Files that a page names by fixed names; they are asked for again each time, and mostly unchanged. */
const FIXED = ['theme.js', 'favicon.svg', 'licenses.md']

const UNBUILT = `Orrery is up, but its page has not been built.

  npm run build          builds it; then load this again
  /api/v1/openapi.json   describes the API, which works without it
`

/**
 * Serves the browser's page from its built files. Mounted before the protocols, so that it learns which
 * paths are theirs: only a navigation to a path that nobody owns is answered with the page.
 */
export async function mountWeb(http: FastifyInstance, folder: string = BUILT): Promise<void> {
  const owned = new Set<string>()
  http.addHook('onRoute', ({ url }) => void owned.add(firstSegment(url)))
  await http.register(fastifyStatic, {
    root: folder,
    prefix: '/assets/',
    serve: false,
    preCompressed: true,
    index: false,
    suppressWarning: true,
  })
  const page = (reply: FastifyReply) =>
    existsSync(join(folder, 'index.html'))
      ? reply
          .headers(HEADERS)
          .header('cache-control', 'no-store')
          .sendFile('index.html', { cacheControl: false })
      : reply.headers(HEADERS).header('cache-control', 'no-store').type('text/plain').send(UNBUILT)

  http.get('/', { schema: { hide: true } }, (_, reply) => page(reply))
  for (const file of FIXED)
    http.get(`/${file}`, { schema: { hide: true } }, (_, reply) =>
      reply
        .headers(HEADERS)
        .header('cache-control', 'no-cache')
        .sendFile(file, { cacheControl: false }),
    )
  http.get<{ Params: { '*': string } }>(
    '/assets/*',
    { schema: { hide: true } },
    ({ params }, reply) =>
      reply.headers(HEADERS).sendFile(`assets/${params['*']}`, { immutable: true, maxAge: '365d' }),
  )
  // These are pages for a reader, while callers ask for predictions below them.
  for (const url of ['/endpoints', '/endpoints/:endpoint', '/endpoints/:endpoint/monitoring'])
    http.get(url, { schema: { hide: true } }, (request, reply) => {
      if (isNavigation(request)) return page(reply)
      throw nothingAt(request)
    })
  http.setNotFoundHandler((request, reply) => {
    if (isNavigation(request) && !owned.has(firstSegment(request.url))) return page(reply)
    throw nothingAt(request)
  })
}

function nothingAt({ method, url }: FastifyRequest): Problem {
  return new Problem(
    'not-found',
    `there is nothing at ${method} ${url}; /api/v1/openapi.json lists what there is`,
  )
}

/** The part of a path that decides whose it is: `/api/v1/x?y` belongs to `api`. */
function firstSegment(url: string): string {
  return /^\/([^/?#]*)/.exec(url)?.[1] ?? ''
}

function isNavigation(request: FastifyRequest): boolean {
  return request.method === 'GET' && (request.headers.accept ?? '').includes('text/html')
}
