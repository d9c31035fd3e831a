import { useQueries, useQuery } from '@tanstack/react-query'
import { Boxes, ChevronDown, ChevronRight, File, FolderOpen } from 'lucide-react'
import { useState } from 'react'
import { filesQuery, type FilesOf, type FileWire } from '#web/api/artifacts.ts'
import { LIVE_MS, loggedModelQuery } from '#web/api/run.ts'
import { Card } from '#web/ui/card.tsx'
import { Empty } from '#web/ui/command.tsx'
import { bytes } from '#web/ui/format.ts'
import { Trouble } from '#web/ui/page.tsx'
import { Preview } from './preview.tsx'
import { useRunView } from './use-view.ts'

/** The files of a run and of the models that it logged, as a tree, with a look into the chosen one. */
export function Artifacts({ models, live }: { models: readonly string[]; live: boolean }) {
  const { runId, view } = useRunView()
  const own = useQuery({
    ...filesQuery({ run: runId }, ''),
    refetchInterval: live ? LIVE_MS * 2 : (false as const),
  })
  const logged = useQueries({ queries: models.map((id) => loggedModelQuery(id)) })
  const isEmpty = own.data?.length === 0 && models.length === 0
  return (
    <Card id="artifacts" title="Artifacts" Icon={FolderOpen}>
      <Trouble error={own.error} />
      {isEmpty ? (
        <Empty
          why="It has left no file. Inside the run:"
          commands={['mlflow.log_artifact("report.html")']}
        />
      ) : (
        <div className="grid grid-cols-1 gap-4 lg:grid-cols-[18rem_minmax(0,1fr)]">
          <nav aria-label="Files" className="max-h-[32rem] min-w-0 overflow-auto">
            <ul>
              {(own.data ?? []).map((file) => (
                <Entry key={file.path} of={{ run: runId }} file={file} />
              ))}
              {models.map((id, at) => (
                <ModelEntry key={id} id={id} name={logged[at]?.data?.info.name ?? id} />
              ))}
            </ul>
          </nav>
          <div className="min-w-0">
            {view.file === undefined ? (
              <p className="text-sm text-ink-3">Choose a file to look into it.</p>
            ) : (
              <Preview
                key={`${view.of ?? ''} ${view.file}`}
                of={{ run: runId, model: view.of }}
                path={view.file}
              />
            )}
          </div>
        </div>
      )}
    </Card>
  )
}

/** The files of a logged model. */
function ModelEntry({ id, name }: { id: string; name: string }) {
  const { runId, view } = useRunView()
  const [open, setOpen] = useState(view.of === id)
  return (
    <li>
      <Opener open={open} onToggle={() => setOpen(!open)} Icon={Boxes} words={`${name} (model)`} />
      {open ? <Branch of={{ run: runId, model: id }} path="" /> : null}
    </li>
  )
}

function Branch({ of, path }: { of: FilesOf; path: string }) {
  const { data, error } = useQuery(filesQuery(of, path))
  if (error !== null) return <Trouble error={error} />
  return (
    <ul className="ml-3 border-l border-line pl-1">
      {data?.map((file) => (
        <Entry key={file.path} of={of} file={file} />
      ))}
      {data?.length === 0 ? <li className="px-2 text-xs text-ink-3">nothing</li> : null}
    </ul>
  )
}

function Entry({ of, file }: { of: FilesOf; file: FileWire }) {
  const { view, change } = useRunView()
  const isInside = view.of === of.model && view.file?.startsWith(`${file.path}/`) === true
  const [open, setOpen] = useState(isInside)
  const name = file.path.split('/').at(-1) ?? file.path
  if (file.is_dir)
    return (
      <li>
        <Opener open={open} onToggle={() => setOpen(!open)} words={name} />
        {open ? <Branch of={of} path={file.path} /> : null}
      </li>
    )
  const chosen = view.file === file.path && view.of === of.model
  return (
    <li>
      <button
        type="button"
        aria-current={chosen ? 'true' : undefined}
        className={`${LINE} ${chosen ? 'bg-sunken font-medium text-ink' : 'text-ink-2 hover:bg-sunken hover:text-ink'}`}
        onClick={() => change({ file: file.path, of: of.model })}
      >
        <span aria-hidden className="w-3.5 shrink-0" />
        <File aria-hidden size={14} className="shrink-0 text-ink-3" />
        <span className="min-w-0 flex-1 truncate">{name}</span>
        <span className="text-xs text-ink-3 tabular-nums">{bytes(file.file_size ?? 0)}</span>
      </button>
    </li>
  )
}

const LINE =
  'flex min-h-7 w-full min-w-0 cursor-pointer items-center gap-1.5 rounded-md px-1.5 text-left text-[0.8125rem]'

function Opener({
  open,
  onToggle,
  words,
  Icon = FolderOpen,
}: {
  open: boolean
  onToggle: () => void
  words: string
  Icon?: typeof Boxes
}) {
  const Arrow = open ? ChevronDown : ChevronRight
  return (
    <button
      type="button"
      aria-expanded={open}
      className={`${LINE} text-ink-2 hover:bg-sunken hover:text-ink`}
      onClick={onToggle}
    >
      <Arrow aria-hidden size={14} className="shrink-0" />
      <Icon aria-hidden size={14} className="shrink-0 text-ink-3" />
      <span className="min-w-0 flex-1 truncate">{words}</span>
    </button>
  )
}
