import Fastify from 'fastify'
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { brotliCompressSync, brotliDecompressSync } from 'node:zlib'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { answerProblems } from '#protocols/api/errors'
import { mountWeb } from './web.ts'

const HTML = { accept: 'text/html,application/xhtml+xml' }
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'orrery-web-'))
  await mkdir(join(folder, 'assets'))
  await writeFile(join(folder, 'index.html'), '<!doctype html><title>Orrery</title>')
  await writeFile(join(folder, 'theme.js'), '1')
  await writeFile(join(folder, 'assets/main-abc.js'), 'console.log(1)')
  await writeFile(join(folder, 'assets/main-abc.js.br'), brotliCompressSync('console.log(1)'))
  await writeFile(join(folder, '..', 'secret-of-web-test'), 'secret of the folder above')
})
afterAll(async () => {
  await rm(folder, { recursive: true, force: true })
  await rm(join(folder, '..', 'secret-of-web-test'), { force: true })
})

async function server(from = folder) {
  const http = Fastify()
  answerProblems(http)
  await mountWeb(http, from)
  await http.register(
    async (app) => {
      app.get('/overview', async () => ({}))
    },
    { prefix: '/api/v1' },
  )
  return http
}

describe('the page over HTTP', () => {
  test('is never kept by a browser, and may run nothing but its own files', async () => {
    const answer = await (await server()).inject({ url: '/', headers: HTML })
    expect(answer.statusCode).toBe(200)
    expect(answer.headers['content-type']).toContain('text/html')
    expect(answer.headers['cache-control']).toBe('no-store')
    const policy = String(answer.headers['content-security-policy'])
    expect(policy).toContain("script-src 'self'")
    expect(policy).not.toContain('unsafe')
    expect(answer.headers['x-frame-options']).toBe('DENY')
  })

  test('has hashed files that are kept for ever, small for those who take brotli', async () => {
    const http = await server()
    const plain = await http.inject('/assets/main-abc.js')
    expect(plain.body).toBe('console.log(1)')
    expect(plain.headers['cache-control']).toBe('public, max-age=31536000, immutable')
    const small = await http.inject({
      url: '/assets/main-abc.js',
      headers: { 'accept-encoding': 'gzip, br' },
    })
    expect(small.headers['content-encoding']).toBe('br')
    expect(small.headers['content-type']).toContain('javascript')
    expect(small.headers.vary).toContain('accept-encoding')
    expect(brotliDecompressSync(small.rawPayload).toString()).toBe('console.log(1)')
  })

  test('has files of fixed names that are asked for again', async () => {
    const answer = await (await server()).inject('/theme.js')
    expect(answer.headers['cache-control']).toBe('no-cache')
    expect(answer.headers.etag).toBeDefined()
  })

  test('answers a navigation to a path that nobody owns', async () => {
    const answer = await (await server()).inject({ url: '/runs/17?x=1', headers: HTML })
    expect(answer.statusCode).toBe(200)
    expect(answer.headers['content-type']).toContain('text/html')
  })

  test.each([
    ['a path of the API', { url: '/api/v1/nothing', headers: HTML }],
    ['the API prefix itself', { url: '/api', headers: HTML }],
    ['a hashed file that is gone', { url: '/assets/main-old.js', headers: HTML }],
    ['a client that wants JSON', { url: '/runs/17', headers: { accept: 'application/json' } }],
    ['a change', { url: '/runs/17', headers: HTML, method: 'POST' as const }],
  ])('does not stand in for %s', async (_, request) => {
    const answer = await (await server()).inject(request)
    expect(answer.statusCode).toBe(404)
    expect(answer.headers['content-type']).not.toContain('text/html')
  })

  test.each(['/assets/../../secret-of-web-test', '/assets/%2e%2e/%2e%2e/secret-of-web-test'])(
    'gives no file outside its folder: %s',
    async (url) => {
      const answer = await (await server()).inject({ url })
      expect(answer.body).not.toContain('secret of')
      expect(answer.statusCode).toBeGreaterThanOrEqual(400)
    },
  )

  test('says what to type when it has not been built', async () => {
    const answer = await (await server(join(folder, 'nowhere'))).inject({ url: '/', headers: HTML })
    expect(answer.statusCode).toBe(200)
    expect(answer.headers['content-type']).toContain('text/plain')
    expect(answer.body).toContain('npm run build')
  })
})
