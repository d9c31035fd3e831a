import { useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useEffect, useRef, useState } from 'react'
import type { ShownPipelineCheck } from '#protocols/api/pipelines-wire'
import type { ShownRunRequest } from '#protocols/api/run-requests-wire'
import { projectNamesQuery } from '#web/api/data.ts'
import { pipelineCheckQuery, type PipelineOrder } from '#web/api/pipelines.ts'
import { postJson } from '#web/api/send.ts'
import { Command } from '#web/ui/command.tsx'
import { counted, shortened } from '#web/ui/format.ts'
import { Trouble } from '#web/ui/page.tsx'
import { commandOf, orderIn, type Written } from './order.ts'

const CHECK_MS = 400
const EMPTY: Written = {
  project: '',
  rev: '',
  targets: [],
  overrides: '',
  variables: '',
  force: false,
}

/** Asks for a run, and shows before what it would do and what would be refused. */
export function RunDialog({
  project,
  onClose,
}: {
  project: string | undefined
  onClose: () => void
}) {
  const dialog = useRef<HTMLDialogElement>(null)
  const client = useQueryClient()
  const navigate = useNavigate()
  const { data: projects = [] } = useQuery(projectNamesQuery)
  const [typed, setWritten] = useState<Written>({ ...EMPTY, project: project ?? '' })
  const written = { ...typed, project: typed.project || (projects[0] ?? '') }
  const order = orderIn(written)
  const settled = useSettled(order, CHECK_MS)
  const { data: check, error } = useQuery(pipelineCheckQuery(settled))
  useEffect(() => dialog.current?.showModal(), [])
  const asking = useMutation({
    mutationFn: () => postJson<ShownRunRequest>('/api/v1/run-requests', order),
    onSuccess: async ({ id }) => {
      await client.invalidateQueries({ queryKey: ['pipelines'] })
      onClose()
      await navigate({ to: '/pipelines/$run', params: { run: id }, search: {} })
    },
  })
  const change = (part: Partial<Written>) => setWritten({ ...written, ...part })
  return (
    <dialog
      ref={dialog}
      aria-labelledby="run-title"
      onClose={onClose}
      className="m-auto w-[calc(100%-2rem)] max-w-2xl rounded-xl border border-line bg-surface p-5 text-ink backdrop:bg-black/40"
    >
      <form
        className="flex flex-col gap-4"
        onSubmit={(event) => {
          event.preventDefault()
          asking.mutate()
        }}
      >
        <h2 id="run-title" className="text-lg font-semibold">
          Run a pipeline
        </h2>
        {projects.length === 0 ? (
          <p className="text-sm text-ink-2">
            The server knows no project yet: <code>orrery project add ADDRESS</code>
          </p>
        ) : null}
        <Fields written={written} projects={projects} onChange={change} />
        <Stages
          check={check}
          chosen={written.targets}
          onChoose={(targets) => change({ targets })}
        />
        <Outlook check={check} error={error} />
        <Command text={commandOf(order)} />
        <Trouble error={asking.error} />
        <Buttons isDisabled={asking.isPending || written.project === ''} onClose={onClose} />
      </form>
    </dialog>
  )
}

function Buttons({ isDisabled, onClose }: { isDisabled: boolean; onClose: () => void }) {
  return (
    <div className="flex justify-end gap-2">
      <button type="button" className="button" onClick={onClose}>
        Leave it
      </button>
      <button type="submit" className="button" disabled={isDisabled}>
        Run
      </button>
    </div>
  )
}

const LABEL = 'flex min-w-0 flex-col gap-1 text-xs text-ink-3'

function Fields(parts: {
  written: Written
  projects: readonly string[]
  onChange: (part: Partial<Written>) => void
}) {
  const { written, projects, onChange } = parts
  return (
    <div className="grid gap-3 sm:grid-cols-2">
      <label className={LABEL}>
        Project
        <select
          className="field"
          value={written.project}
          onChange={({ target }) => onChange({ project: target.value, targets: [] })}
        >
          {projects.map((name) => (
            <option key={name}>{name}</option>
          ))}
        </select>
      </label>
      <label className={LABEL}>
        Branch, tag or commit
        <input
          className="field"
          placeholder="the project's branch"
          value={written.rev}
          onChange={({ target }) => onChange({ rev: target.value })}
        />
      </label>
      <label className={LABEL}>
        Parameters, one a line: train.depth=5
        <textarea
          rows={2}
          className="field h-auto py-1.5 font-mono text-xs"
          value={written.overrides}
          onChange={({ target }) => onChange({ overrides: target.value })}
        />
      </label>
      <label className={LABEL}>
        Variables, one a line: NAME=value
        <textarea
          rows={2}
          className="field h-auto py-1.5 font-mono text-xs"
          value={written.variables}
          onChange={({ target }) => onChange({ variables: target.value })}
        />
      </label>
      <label className="flex items-center gap-2 text-sm">
        <input
          type="checkbox"
          checked={written.force}
          onChange={({ target }) => onChange({ force: target.checked })}
        />
        Also stages that are up to date
      </label>
    </div>
  )
}

/** Beyond this many, the stages that are shown have to be looked for. */
const SHOWN_MAX = 200

function Stages(parts: {
  check: ShownPipelineCheck | undefined
  chosen: readonly string[]
  onChoose: (chosen: readonly string[]) => void
}) {
  const { check, chosen, onChoose } = parts
  const [search, setSearch] = useState('')
  const names = check?.stages.map(({ stage }) => stage) ?? []
  const found = [...new Set([...chosen, ...names])].filter((name) => name.includes(search))
  return (
    <fieldset className="flex min-h-28 min-w-0 flex-col gap-2">
      <legend className="pb-1 text-xs text-ink-3">
        Stages, with all that they need; all of them where none is chosen
      </legend>
      {names.length > 12 ? (
        <input
          type="search"
          aria-label="Stages that hold"
          placeholder="Stages that hold…"
          className="field"
          value={search}
          onChange={({ target }) => setSearch(target.value)}
        />
      ) : null}
      <div className="flex max-h-40 flex-wrap gap-x-4 gap-y-1 overflow-y-auto">
        {found.slice(0, SHOWN_MAX).map((name) => (
          <label key={name} className="flex min-h-6 items-center gap-1.5 text-sm wrap-anywhere">
            <input
              type="checkbox"
              checked={chosen.includes(name)}
              onChange={({ target }) =>
                onChoose(
                  target.checked ? [...chosen, name] : chosen.filter((each) => each !== name),
                )
              }
            />
            {name}
          </label>
        ))}
        {found.length > SHOWN_MAX ? (
          <span className="text-sm text-ink-3">and {found.length - SHOWN_MAX} more</span>
        ) : null}
      </div>
    </fieldset>
  )
}

function Outlook({ check, error }: { check: ShownPipelineCheck | undefined; error: Error | null }) {
  const refused = error === null ? (check?.refused ?? []) : [error.message]
  if (refused.length > 0)
    return (
      <div role="alert" className="rounded-lg bg-bad-tint px-4 py-3 text-sm text-bad">
        <p className="font-medium">It would be refused, or fail at once:</p>
        <ul className="list-disc pl-4">
          {refused.slice(0, 10).map((words) => (
            <li key={words} className="wrap-anywhere">
              {words}
            </li>
          ))}
        </ul>
      </div>
    )
  if (check === undefined) return <output className="text-sm text-ink-3">Looking…</output>
  const approvals = check.stages.filter(
    ({ stage, approval }) => approval && check.chosen.includes(stage),
  )
  return (
    <output className="text-sm wrap-anywhere text-ink-2">
      {counted(check.chosen.length, 'stage')} at{' '}
      <code className="text-xs">{shortened(check.commit ?? '')}</code>
      {check.chosen.length > 0 && check.chosen.length <= 12 ? `: ${check.chosen.join(', ')}` : ''}
      {approvals.length === 0
        ? '.'
        : `; waits for approval of ${approvals.map(({ stage }) => stage).join(', ')}.`}
    </output>
  )
}

/** What stays the same for that long. */
function useSettled(order: PipelineOrder, ms: number): PipelineOrder {
  const words = JSON.stringify(order)
  const [settled, setSettled] = useState(words)
  useEffect(() => {
    const timer = setTimeout(() => setSettled(words), ms)
    return () => clearTimeout(timer)
  }, [words, ms])
  return JSON.parse(settled) as PipelineOrder
}
