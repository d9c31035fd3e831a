import { expect, test } from 'vitest'
import type { Transact } from '#ledger'
import { platformActor } from '#ledger'
import type { RunRequest } from './request.ts'
import type { RequestPage, RequestReads, RequestWrites } from './request-store.ts'

export interface RequestStore {
  readonly read: RequestReads
  readonly transact: Transact<{ requests: RequestWrites }>
}

const request = (id: string, more: Partial<RunRequest> = {}): RunRequest => ({
  id,
  order: { project: 'flights', targets: ['é\n"'], variables: { A: "'; drop table" } },
  askedBy: platformActor('test'),
  lane: { name: 'flights@main', limit: 1 },
  state: 'queued',
  reason: null,
  commit: null,
  branch: 'main',
  pipelineRuns: [],
  resumes: false,
  turns: 0,
  approvals: [],
  cancelling: null,
  lockBranch: null,
  askedMs: 1_700_000_000_000,
  startedMs: null,
  endedMs: null,
  ...more,
})

/** What every store of runs that were asked for must do. */
export function requestStoreSuite(open: () => Promise<RequestStore>): void {
  const saved = async (...all: readonly RunRequest[]) => {
    const store = await open()
    await store.transact(async ({ requests }) => {
      for (const each of all) await requests.save(each)
    })
    return store
  }

  test('a run comes back as it was kept, and as it was kept last', async () => {
    const first = request('a')
    const { read, transact } = await saved(first)
    expect(await read.find('a')).toEqual(first)
    expect(await read.find('b')).toBeUndefined()
    const later = request('a', {
      state: 'waiting',
      branch: 'other',
      approvals: [{ stage: 's', message: null, askedMs: 1, untilMs: 2 ** 45, decision: null }],
    })
    await transact(({ requests }) => requests.save(later))
    expect(await read.find('a')).toEqual(later)
    expect(await read.list({ limit: 9, branch: 'main' })).toEqual([])
    expect(await read.list({ limit: 9, branch: 'other' })).toEqual([later])
  })

  test('a transaction sees what it kept, and one that fails keeps nothing', async () => {
    const { read, transact } = await saved()
    const failing = transact(async ({ requests }) => {
      await requests.save(request('a'))
      expect((await requests.open()).map(({ id }) => id)).toEqual(['a'])
      throw new Error('halfway')
    })
    await expect(failing).rejects.toThrow('halfway')
    expect(await read.find('a')).toBeUndefined()
  })

  test('runs are listed newest first in pages, and by project, branch, state and cause', async () => {
    const { read } = await saved(
      request('c', { askedMs: 3, state: 'failed' }),
      request('a', { askedMs: 3, branch: 'v1.0' }),
      request('b', { askedMs: 3, order: { project: 'other', cause: 'policy-1' } }),
      request('z', { askedMs: 1, branch: null }),
    )
    const ids = async (page: RequestPage) => (await read.list(page)).map(({ id }) => id)
    expect(await ids({ limit: 9 })).toEqual(['c', 'b', 'a', 'z'])
    expect(await ids({ limit: 2 })).toEqual(['c', 'b'])
    expect(await ids({ limit: 2, before: 'b' })).toEqual(['a', 'z'])
    expect(await ids({ limit: 2, before: 'nobody' })).toEqual([])
    expect(await ids({ limit: 9, project: 'other' })).toEqual(['b'])
    expect(await ids({ limit: 9, branch: 'main' })).toEqual(['c', 'b'])
    expect(await ids({ limit: 9, branch: 'main', project: 'flights' })).toEqual(['c'])
    expect(await ids({ limit: 9, state: 'failed' })).toEqual(['c'])
    expect(await ids({ limit: 9, cause: 'policy-1' })).toEqual(['b'])
    expect(await ids({ limit: 9, branch: "main' or 1=1 --" })).toEqual([])
  })

  test('those that are not over are told in the order in which they were asked for', async () => {
    const { read } = await saved(
      request('c', { askedMs: 2, state: 'waiting' }),
      request('b', { askedMs: 2, state: 'running' }),
      request('a', { askedMs: 3 }),
      request('d', { askedMs: 1, state: 'succeeded' }),
      request('e', { askedMs: 1, state: 'failed' }),
      request('f', { askedMs: 1, state: 'cancelled' }),
    )
    expect((await read.open()).map(({ id }) => id)).toEqual(['b', 'c', 'a'])
  })
}
