import type { ShownRunDetail, ShownRunRequest } from '#protocols/api/run-requests-wire'
import { tableLines, timeOf } from '../table.ts'

/** A run with its stages, for people. */
export function runLines(shown: ShownRunDetail): string[] {
  const { id, project, state, reason, commit, branch, lockBranch, approvals } = shown
  const at =
    commit === null ? '' : ` at ${commit.slice(0, 12)}${branch === null ? '' : ` (${branch})`}`
  const rows = shown.stages.map((stage) => [
    stage.stage,
    stage.state,
    secondsOf(stage.started, stage.ended),
    stage.tests === null ? '-' : `${stage.tests.passed}/${stage.tests.total}`,
    stage.reason ?? '',
  ])
  return [
    `run ${id} of ${project}${at}: ${state}${reason === null ? '' : `: ${reason}`}`,
    ...settingLines(shown),
    ...(rows.length === 0 ? [] : tableLines(['STAGE', 'STATE', 'TOOK', 'TESTS', 'WHY'], rows)),
    ...approvals.map(({ stage, outcome, by, comment }) =>
      outcome === null
        ? `${stage} waits: orrery run approve ${id} ${stage}   or: orrery run reject ${id} ${stage}`
        : `${stage} was ${outcome}${by === null ? '' : ` by ${by.id}`}${comment === null ? '' : `: ${comment}`}`,
    ),
    ...(lockBranch === null ? [] : [`its lock is on the branch ${lockBranch}`]),
  ]
}

function settingLines({ targets, overrides, variables }: ShownRunRequest): string[] {
  const set = [
    ...targets,
    ...overrides.map((each) => `-S ${each}`),
    ...Object.entries(variables).map(([name, value]) => `${name}=${value}`),
  ]
  return set.length === 0 ? [] : [`  ${set.join(' ')}`]
}

export function listLines(page: {
  runRequests: readonly ShownRunRequest[]
  next: string | null
}): string[] {
  if (page.runRequests.length === 0) return ['No run was asked for yet: orrery run PROJECT']
  const rows = page.runRequests.map((each) => [
    each.id,
    each.project,
    each.cancelling ? 'cancelling' : each.state,
    each.commit?.slice(0, 12) ?? '-',
    timeOf(each.asked),
    secondsOf(each.started, each.ended),
    each.reason ?? '',
  ])
  const more = page.next === null ? [] : [`more: --before ${page.next}`]
  return [
    ...tableLines(['RUN', 'PROJECT', 'STATE', 'COMMIT', 'ASKED', 'TOOK', 'WHY'], rows),
    ...more,
  ]
}

function secondsOf(started: string | null, ended: string | null): string {
  if (started === null || ended === null) return '-'
  return `${((Date.parse(ended) - Date.parse(started)) / 1000).toFixed(1)} s`
}
