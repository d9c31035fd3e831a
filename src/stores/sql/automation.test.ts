import { beforeEach, expect, test } from 'vitest'
import { firePolicies, policyRunHandler, type Acts } from '#automation'
import { manualClock } from '#base/clock'
import { countedIds } from '#base/ids'
import { Problem } from '#base/problem'
import { platformActor } from '#ledger'
import type { Project } from '#projects'
import type { Job } from '#work'
import type { SqlStore } from './index.ts'
import { eachSqlStore } from '../../../tests/support/sql-stores.ts'

eachSqlStore((_name, open) => {
  const DAY_MS = 86_400_000
  const clock = manualClock()

  const project: Project = {
    name: 'flights',
    origin: '/origin',
    branch: 'main',
    commit: 'c'.repeat(40),
    data: [],
    syncedMs: 0,
    config: {
      project: 'flights',
      models: { late: { aliases: {}, checks: [] } },
      endpoints: { late: { model: 'models:/late@champion', shadows: [] } },
      policies: {
        fresh: {
          on: [{ drift: 'late' }],
          run: 'train',
          data: { 'data/raw': 'latest' },
          cooldown: '14d',
          then: 'promote late@champion',
        },
      },
    },
  }

  let store: SqlStore
  let ran: string[]
  let stale: boolean
  let acts: Acts
  let abandoned: Parameters<Acts['abandon']>[0][]

  beforeEach(async () => {
    store = await open({ clock, ids: countedIds() })
    ran = []
    stale = false
    abandoned = []
    acts = {
      project: async () => project,
      runPipeline: async ({ policyRun }) => {
        ran.push(policyRun)
        return { pipelineRun: `run-of-${policyRun}` }
      },
      versionMadeBy: async () => 2,
      promote: async (_, request) => ({ id: request.id, accepted: true }),
      abandon: async (given) => void abandoned.push(given),
    }
  })

  async function find(day: number, type = 'drift-detected'): Promise<void> {
    await store.transact(async (tx) => {
      const fact = {
        type,
        data: { endpoint: 'late', window: `late/${day}` },
        eventMs: day * DAY_MS,
      }
      const [position] = await tx.ledger.append(platformActor('monitoring'), [fact])
      const entry = await tx.ledger.find(position as number)
      if (entry !== undefined)
        await firePolicies(entry, tx, {
          projects: [project],
          hasRunWith: async () => stale,
          policyRunBehind: async () => undefined,
          clock,
        })
    })
  }

  const jobs = () => store.read.work.open()
  const run = async (job: Job) =>
    policyRunHandler({ read: store.read.automation, transact: store.transact, acts, clock }).run(
      job,
      new AbortController().signal,
    )

  test('a finding fires its policy once; while that runs, further findings start nothing', async () => {
    await find(100)
    await find(101)
    await find(130)
    expect(await jobs()).toHaveLength(1)
  })

  test('after a run, the policy rests for its cooldown in event time', async () => {
    await find(100)
    await run((await jobs())[0] as Job)
    await find(113)
    expect(await store.read.automation.list({ limit: 10 })).toHaveLength(1)
    await find(114)
    expect(await store.read.automation.list({ limit: 10 })).toHaveLength(2)
  })

  test('a run tells what came of it: pipeline, version, promotion, and the window that caused it', async () => {
    await find(100)
    await run((await jobs())[0] as Job)
    const [done] = await store.read.automation.list({ limit: 1 })
    expect(done).toMatchObject({
      state: 'succeeded',
      modelVersion: 'late/2',
      promotion: `promote-${done?.id}`,
    })
    expect(
      await store.read.ledger.edgesFrom({ kind: 'policy-run', id: done?.id ?? '' }),
    ).toMatchObject([{ relation: 'caused-by', to: { kind: 'window', id: 'late/100' } }])
  })

  test('a run that is taken up again after its pipeline was done does not run it twice', async () => {
    await find(100)
    const job = (await jobs())[0] as Job
    acts = { ...acts, promote: async () => Promise.reject(new Error('the server was killed here')) }
    await expect(run(job)).rejects.toThrow('killed here')
    acts = { ...acts, promote: async (_, request) => ({ id: request.id, accepted: true }) }
    await run(job)
    expect(ran).toHaveLength(1)
  })

  test('a pipeline that makes no version fails the run with what to do, is not tried again, and leaves nothing open', async () => {
    await find(100)
    const job = (await jobs())[0] as Job
    acts = { ...acts, versionMadeBy: async () => undefined }
    const failure = await run(job).catch((error: unknown) => error)
    expect(failure).toBeInstanceOf(Problem)
    expect(failure).toMatchObject({
      code: 'conflict',
      message: expect.stringContaining('registered_model_name'),
    })
    await policyRunHandler({
      read: store.read.automation,
      transact: store.transact,
      acts,
      clock,
    }).abandoned?.(job, 'no version')
    const [done] = await store.read.automation.list({ limit: 1 })
    expect(done).toMatchObject({ state: 'failed', reason: 'no version' })
    expect(abandoned).toEqual([
      { policyRun: done?.id, promotion: `promote-${done?.id}`, reason: 'no version' },
    ])
  })

  test('a policy waits for data that no pipeline has succeeded with, and keeps its turn meanwhile', async () => {
    stale = true
    await find(100)
    expect(await jobs()).toHaveLength(0)
    stale = false
    await find(101)
    expect(await jobs()).toHaveLength(1)
  })
})
