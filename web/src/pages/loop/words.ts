import type { EntryWire } from '#protocols/api/ledger-wire'
import { count, percent, score, shortened, spoken } from '#web/ui/format.ts'

type Data = Readonly<Record<string, unknown>>

const text = (data: Data, key: string): string => {
  const value = data[key]
  return typeof value === 'string' || typeof value === 'number' ? String(value) : ''
}
const version = (data: Data): string => `${text(data, 'model')} v${text(data, 'version')}`
const firstReason = (data: Data): string => {
  const reasons = data['reasons']
  const reason = Array.isArray(reasons) ? String(reasons[0] ?? '') : text(data, 'reason')
  return reason === '' ? '' : `: ${reason}`
}

const WORDS: Readonly<Record<string, (data: Data) => string>> = {
  'project-added': (data) => `Project ${text(data, 'project')} added`,
  'project-synced': (data) =>
    `Project ${text(data, 'project')} is at commit ${shortened(text(data, 'commit'))}`,
  'dataset-version-added': (data) =>
    `New version ${shortened(text(data, 'md5'))} of ${text(data, 'path')}`,
  'pipeline-run-started': (data) => `Pipeline of ${text(data, 'project')} started`,
  'pipeline-run-finished': (data) => `Pipeline ${text(data, 'outcome')}${firstReason(data)}`,
  'stage-run-started': (data) => `Stage ${text(data, 'stage')} started`,
  'stage-run-finished': (data) =>
    `Stage ${text(data, 'stage')} ${text(data, 'outcome')}${firstReason(data)}`,
  'stage-skipped': (data) => `Stage ${text(data, 'stage')} skipped${firstReason(data)}`,
  'experiment-created': (data) =>
    `Experiment ${text(data, 'name') || text(data, 'experiment')} created`,
  'run-started': (data) => `Run ${shortened(text(data, 'run'))} started`,
  'run-ended': (data) =>
    `Run ${shortened(text(data, 'run'))} ${text(data, 'status').toLowerCase() || 'ended'}`,
  'logged-model-ready': (data) => `Model of run ${shortened(text(data, 'run'))} logged`,
  'registered-model-created': (data) => `Model ${text(data, 'model')} created`,
  'model-version-registered': (data) => `${version(data)} registered`,
  'model-version-deleted': (data) => `${version(data)} deleted`,
  'model-alias-moved': (data) => `Alias ${text(data, 'alias')} is now ${version(data)}`,
  'endpoint-declared': (data) => `Endpoint ${text(data, 'endpoint')} declared`,
  'revision-created': (data) =>
    `Revision ${text(data, 'revision')} of ${text(data, 'endpoint')} made from ${text(data, 'modelVersion')}`,
  'rollout-completed': (data) =>
    `${text(data, 'endpoint')} serves revision ${text(data, 'revision')}`,
  'rollout-failed': (data) => `Rollout of ${text(data, 'endpoint')} failed${firstReason(data)}`,
  'serving-process-restarted': (data) =>
    `Serving process of ${text(data, 'endpoint')} restarted${firstReason(data)}`,
  'prediction-segment-sealed': (data) => `${rowsOf(data)} predictions sealed`,
  'truth-segment-sealed': (data) => `${rowsOf(data)} truths sealed`,
  'window-evaluated': (data) => `Window of ${dayOf(data)} judged${findings(data)}`,
  'drift-detected': (data) =>
    `Drift on ${text(data, 'endpoint')}: ${percent(Number(data['share'] ?? 0))} of the features`,
  'performance-fell': (data) =>
    `${text(data, 'endpoint')}: ${text(data, 'metric')} fell to ${score(Number(data['value'] ?? 0))}`,
  'alert-raised': (data) => `Alert for ${text(data, 'endpoint')}: ${spoken(text(data, 'kind'))}`,
  'alert-worsened': (data) =>
    `Alert for ${text(data, 'endpoint')} became critical: ${spoken(text(data, 'kind'))}`,
  'alert-cleared': (data) =>
    `Alert for ${text(data, 'endpoint')} cleared: ${spoken(text(data, 'kind'))}`,
  'policy-run-finished': (data) =>
    `Policy ${text(data, 'policy')} ${text(data, 'outcome')}${firstReason(data)}`,
  'policy-fired': (data) => `Policy ${text(data, 'policy')} fired`,
  'policy-queued': (data) => text(data, 'why'),
  'policy-skipped': (data) => text(data, 'why'),
  'schedule-missed': (data) => text(data, 'why'),
  'promotion-requested': (data) => `${version(data)} proposed as ${text(data, 'alias')}`,
  'check-finished': (data) =>
    `Check ${text(data, 'check')} ${data['passed'] === true ? 'passed' : 'failed'}`,
  'promotion-accepted': (data) => `${version(data)} promoted to ${text(data, 'alias')}`,
  'promotion-refused': (data) => `${version(data)} refused${firstReason(data)}`,
}

/** What an entry says, for a reader who does not know the types of facts. */
export function wordsFor(entry: Pick<EntryWire, 'type' | 'data'>): string {
  const words = WORDS[entry.type]?.(entry.data) ?? ''
  return words === '' ? capitalized(spoken(entry.type)) : words
}

function capitalized(words: string): string {
  return words.charAt(0).toUpperCase() + words.slice(1)
}

function rowsOf(data: Data): string {
  return count(Number(data['rows'] ?? 0))
}

function dayOf(data: Data): string {
  return text(data, 'start').slice(0, 10)
}

function findings(data: Data): string {
  const { driftShare, auc } = data
  const found = [
    typeof auc === 'number' ? `AUC ${score(auc)}` : '',
    typeof driftShare === 'number' ? `drift ${percent(driftShare)}` : '',
  ].filter(Boolean)
  return found.length === 0 ? '' : `: ${found.join(', ')}`
}
