import type { NavigateOptions } from '@tanstack/react-router'
import {
  Box,
  Database,
  FileText,
  FlaskConical,
  ListOrdered,
  Play,
  type LucideIcon,
} from 'lucide-react'
import type { Found } from '#web/api/found.ts'

/** Somewhere to go. */
export interface Goal {
  readonly key: string
  readonly words: string
  readonly of: string
  readonly Icon: LucideIcon
  readonly where: NavigateOptions
}

const PAGES: readonly {
  words: string
  to:
    | '/'
    | '/data'
    | '/pipelines'
    | '/runs'
    | '/models'
    | '/endpoints'
    | '/alerts'
    | '/policies'
    | '/policies/backfills'
    | '/traces'
    | '/settings/webhooks'
    | '/settings/trash'
}[] = [
  { words: 'Home', to: '/' },
  { words: 'Data', to: '/data' },
  { words: 'Pipelines', to: '/pipelines' },
  { words: 'Experiments', to: '/runs' },
  { words: 'Models', to: '/models' },
  { words: 'Endpoints', to: '/endpoints' },
  { words: 'Alerts', to: '/alerts' },
  { words: 'Policies', to: '/policies' },
  { words: 'Backfills', to: '/policies/backfills' },
  { words: 'Traces', to: '/traces' },
  { words: 'Webhooks', to: '/settings/webhooks' },
  { words: 'Trash', to: '/settings/trash' },
]

/** The pages whose names hold the text, and what was found by it. */
export function goalsOf(text: string, found: Found | undefined): Goal[] {
  const pages = PAGES.filter(({ words }) => words.toLowerCase().includes(text.toLowerCase()))
  return [
    ...pages.map(({ words, to }) => ({
      key: to,
      words,
      of: 'page',
      Icon: FileText,
      where: { to, search: {} } as NavigateOptions,
    })),
    ...(found?.experiments ?? []).map(({ id, name }) => ({
      key: `experiment ${id}`,
      words: name,
      of: 'experiment',
      Icon: FlaskConical,
      where: { to: '/runs', search: { experiment: id } } as NavigateOptions,
    })),
    ...(found?.models ?? []).map((name) => ({
      key: `model ${name}`,
      words: name,
      of: 'model',
      Icon: Box,
      where: { to: '/models/$model', params: { model: name }, search: {} } as NavigateOptions,
    })),
    ...(found?.datasets ?? []).map(({ project, path }) => ({
      key: `dataset ${project} ${path}`,
      words: path,
      of: `data of ${project}`,
      Icon: Database,
      where: {
        to: '/data/$project/$path',
        params: { project, path },
        search: {},
      } as NavigateOptions,
    })),
    ...(found?.runs ?? []).map(({ id, name, of }) => ({
      key: `run ${id}`,
      words: name,
      of: `run of ${of}`,
      Icon: Play,
      where: { to: '/runs/$run', params: { run: id }, search: {} } as NavigateOptions,
    })),
    ...predictionIn(text),
  ]
}

/** Predictions are too many to be searched: what is written as one's id leads to its page, which says if there is none. */
function predictionIn(text: string): Goal[] {
  if (!/^\S+-\d+$/.test(text)) return []
  const where = { to: '/predictions/$prediction', params: { prediction: text }, search: {} }
  return [
    {
      key: `prediction ${text}`,
      words: text,
      of: 'prediction',
      Icon: ListOrdered,
      where: where as NavigateOptions,
    },
  ]
}
