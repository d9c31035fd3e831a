import { describe, expect, test } from 'vitest'
import { checkedOrder } from './order.ts'
import { admitted, type RunRequest } from './request.ts'

function request(id: string, state: RunRequest['state'], lane: RunRequest['lane']): RunRequest {
  return {
    id,
    order: { project: 'flights' },
    askedBy: { kind: 'user', id: 'ada' },
    lane,
    state,
    reason: null,
    commit: null,
    branch: null,
    pipelineRuns: [],
    resumes: false,
    turns: 0,
    approvals: [],
    cancelling: null,
    lockBranch: null,
    askedMs: 0,
    startedMs: null,
    endedMs: null,
  }
}

const main = { name: 'flights@main', limit: 1 }
const wide = { name: 'backfill', limit: 2 }
const idsOf = (open: readonly RunRequest[], runsMax: number) =>
  admitted(open, runsMax).map(({ id }) => id)

describe('of runs that are asked for', () => {
  test('those of one lane come one after the other, in the order in which they were asked for', () => {
    expect(idsOf([request('a', 'queued', main), request('b', 'queued', main)], 9)).toEqual(['a'])
    expect(idsOf([request('a', 'running', main), request('b', 'queued', main)], 9)).toEqual([])
  })

  test('whoever waits for its lane holds up its lane alone', () => {
    const open = [
      request('a', 'running', main),
      request('b', 'queued', main),
      request('c', 'queued', wide),
      request('d', 'queued', wide),
      request('e', 'queued', wide),
      request('f', 'queued', null),
    ]
    expect(idsOf(open, 9)).toEqual(['c', 'd', 'f'])
  })

  test('no more begin than the server has room for', () => {
    const open = ['a', 'b', 'c'].map((id) => request(id, 'queued', null))
    expect(idsOf([request('r', 'running', null), ...open], 3)).toEqual(['a', 'b'])
    expect(idsOf([request('r', 'running', null), ...open], 1)).toEqual([])
  })

  test('one that waits for approval takes neither room nor its lane', () => {
    expect(idsOf([request('a', 'waiting', main), request('b', 'queued', main)], 1)).toEqual(['b'])
  })
})

test.each([
  [{ id: '../up' }, 'cannot name a run'],
  [{ rev: '-x' }, 'is no revision'],
  [{ rev: 'a..b' }, 'is no revision'],
  [{ rev: 'main:dvc.yaml' }, 'is no revision'],
  [{ commit: 'main' }, 'is no whole commit id'],
  [{ targets: ['--force'] }, 'looks like an option'],
  [{ overrides: ['depth=1,2'] }, 'depth'],
  [{ variables: { PATH: '/bin' } }, 'is set by the server'],
  [{ variables: { A: 'a\0b' } }, 'is no variable'],
])('the order %j is refused', (part, words) => {
  expect(() => checkedOrder({ project: 'flights', ...part })).toThrow(words)
})

test.each(['main', 'feature/x-1', 'v1.2', 'HEAD~2', 'a'.repeat(40), 'main^'])(
  'the revision %s is taken',
  (rev) => {
    expect(checkedOrder({ project: 'flights', rev }).rev).toBe(rev)
  },
)
