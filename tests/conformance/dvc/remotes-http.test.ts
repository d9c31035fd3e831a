import { readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { emptied, exchanged, isClean, projectWith, setRemote, startWeb } from './remotes-support.ts'
import { ours } from './support.ts'

let web: Awaited<ReturnType<typeof startWeb>>
let guarded: Awaited<ReturnType<typeof startWeb>>

beforeAll(async () => {
  web = await startWeb()
  guarded = await startWeb({ user: 'ada', password: 'p w' })
})

afterAll(async () => {
  await web.stop()
  await guarded.stop()
})

test('dvc and orrery share data over a web server, with a login and without', async () => {
  const login = { auth: 'basic', user: 'ada', password: 'p w' }
  const first = { url: `${web.url}/a b` }
  const second = { url: `${guarded.url}/x`, method: 'PUT', ...login }
  expect(await exchanged({ first, second })).toEqual([])
})

test('a web server that has other bytes, wants a login or is away is told, and nothing wrong gets into the cache', async () => {
  const box = projectWith({ url: `${web.url}/lies` })
  try {
    await ours(box).data.push()
    const folder = join(web.folder, 'lies/files/md5')
    const object = (start: string) => {
      const name = readdirSync(folder, { recursive: true })
        .map(String)
        .find((path) => path.replace('/', '').startsWith(start))
      return join(folder, name ?? '')
    }
    // The MD5 of `one\n`.
    writeFileSync(object('5bbf5a52328e7439ae6e719dfe712200'), 'two\n')
    emptied(box)
    const { fetched } = await ours(box).data.pull()
    expect(fetched.failed).toEqual([
      {
        path: 'data',
        reason: expect.stringContaining(
          '5bbf5a52328e7439ae6e719dfe712200 on the remote it is damaged',
        ) as string,
      },
    ])
    expect(await isClean(box)).toBe(true)
    setRemote(box, { url: guarded.url })
    await expect(ours(box).data.push()).rejects.toThrow(/401: it wants a login/)
    setRemote(box, { url: 'http://127.0.0.1:9/nobody' })
    await expect(ours(box).data.push()).rejects.toThrow(/cannot be reached/)
  } finally {
    box.remove()
  }
})
