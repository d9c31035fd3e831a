import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { runCommand } from '../support/command.ts'
import type { TestServer } from '../support/server.ts'
import { bearer, keyOf, md5Of, newServer } from './support.ts'

let server: TestServer
let folder: string
beforeAll(async () => {
  server = await newServer()
  folder = await mkdtemp(join(tmpdir(), 'orrery-data-store-'))
})
afterAll(async () => {
  await server.stop()
  await rm(folder, { recursive: true, force: true })
})

async function orrery(line: string): Promise<string> {
  const args = ['data-store', ...line.split(' '), '--url', server.url]
  const { code, out, err } = await runCommand(folder, args)
  if (code !== 0) throw new Error(`${line}: ${code} ${err}`)
  return out
}

const jsonOf = async <T>(line: string) => JSON.parse(await orrery(`${line} --json`)) as T

test('a data store is made, shared, limited and deleted from the command line', async () => {
  const made = await orrery('create team --quota 1.5MiB')
  expect(made).toContain(`orrery remote add -d team ${server.url}/dvc/team`)
  const told = await orrery('token team --write --name ci')
  const [, secret = ''] = /Token, told this once: (orr_[0-9a-f]{64})/.exec(told) ?? []
  const { id } = await jsonOf<{ id: string }>('token team --read --name ada')

  const body = 'some data'
  const address = `${server.url}/dvc/team/${keyOf(md5Of(body))}`
  const send = () => fetch(address, { method: 'POST', headers: bearer(secret), body })
  expect((await send()).status).toBe(201)
  const shown = await orrery('show team')
  expect(shown).toMatch(/1 object, 9 B of 1\.5 MiB\n.* write {2}ci .*\n.* read {2}ada /)
  expect(shown).not.toContain(secret)
  expect(await jsonOf('show team')).toMatchObject({
    quotaBytes: 1_572_864,
    url: `${server.url}/dvc/team`,
    tokens: [{ name: 'ci' }, { id }],
  })

  expect(await orrery('revoke team ci')).toContain('Revoked')
  expect((await send()).status).toBe(401)
  expect(await jsonOf('quota team none')).toMatchObject({ quotaBytes: null })
  expect(await orrery('delete team')).toContain('This would be deleted with 1 object (')
  expect(await jsonOf('list')).toMatchObject({ dataStores: [{ name: 'team', objects: 1 }] })
  expect(await orrery('delete team --yes')).toContain('Deleted team')
  expect(await orrery('list')).toContain('No data store yet')
})
