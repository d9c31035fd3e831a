import { useQuery } from '@tanstack/react-query'
import { ChevronDown, ChevronRight, FlaskConical, Folder } from 'lucide-react'
import { useState } from 'react'
import { foldersQuery } from '#web/api/runs.ts'
import { count } from '#web/ui/format.ts'
import { useLook } from './use-look.ts'

/** Experiments in their folders; choosing one narrows the table to it. */
export function FolderTree() {
  const [search, setSearch] = useState('')
  const { look, change } = useLook()
  const everything = look.folder === undefined && look.experiment === undefined
  return (
    <nav aria-label="Experiments" className="flex min-h-0 flex-col gap-2">
      <input
        type="search"
        aria-label="Find an experiment"
        placeholder="Find an experiment"
        value={search}
        onChange={(event) => setSearch(event.target.value)}
        className="field"
      />
      <div className="min-h-0 flex-1 overflow-auto">
        <button
          type="button"
          aria-current={everything ? 'true' : undefined}
          className={entryClass(everything)}
          onClick={() => change({ folder: undefined, experiment: undefined })}
        >
          All experiments
        </button>
        <Branch folder="" search={search} />
      </div>
    </nav>
  )
}

function Branch({ folder, search = '' }: { folder: string; search?: string }) {
  const { data, error, isPending } = useQuery(foldersQuery(folder, search))
  const { look, change } = useLook()
  if (error !== null) return <p className="px-2 text-bad">{error.message}</p>
  if (isPending) return <p className="px-2 text-ink-3">Reading…</p>
  const start = folder === '' || search !== '' ? 0 : folder.length + 1
  return (
    <ul className={folder === '' ? '' : 'ml-3 border-l border-line pl-1'}>
      {data.folders.map((each) => (
        <FolderEntry key={each.folder} {...each} start={start} />
      ))}
      {data.experiments.map(({ experimentId, name, runs }) => (
        <li key={experimentId}>
          <button
            type="button"
            title={name}
            aria-current={look.experiment === experimentId ? 'true' : undefined}
            className={entryClass(look.experiment === experimentId)}
            onClick={() => change({ experiment: experimentId, folder: undefined })}
          >
            <FlaskConical aria-hidden size={14} className="shrink-0 text-ink-3" />
            <span className="min-w-0 flex-1 truncate">{name.slice(start) || name}</span>
            <span className="text-xs text-ink-3 tabular-nums">
              {count(runs)}
              <span className="sr-only"> runs</span>
            </span>
          </button>
        </li>
      ))}
      {data.next === null && data.nextFolder === null ? null : (
        <li className="px-2 text-xs text-ink-3">and more; find them by name</li>
      )}
    </ul>
  )
}

function FolderEntry({
  folder,
  experiments,
  start,
}: {
  folder: string
  experiments: number
  start: number
}) {
  const { look, change } = useLook()
  const chosen = look.folder === folder
  const [opened, setOpened] = useState(chosen || look.folder?.startsWith(`${folder}/`) === true)
  const Icon = opened ? ChevronDown : ChevronRight
  return (
    <li>
      <div className="flex items-center">
        <button
          type="button"
          aria-expanded={opened}
          className="grid size-6 shrink-0 cursor-pointer place-items-center rounded text-ink-3 hover:text-ink"
          onClick={() => setOpened(!opened)}
        >
          <Icon aria-hidden size={14} />
          <span className="sr-only">Experiments in {folder}</span>
        </button>
        <button
          type="button"
          title={folder}
          aria-current={chosen ? 'true' : undefined}
          className={entryClass(chosen)}
          onClick={() => {
            setOpened(true)
            change({ folder, experiment: undefined })
          }}
        >
          <Folder aria-hidden size={14} className="shrink-0 text-ink-3" />
          <span className="min-w-0 flex-1 truncate">{folder.slice(start)}</span>
          <span className="text-xs text-ink-3 tabular-nums">
            {count(experiments)}
            <span className="sr-only"> experiments</span>
          </span>
        </button>
      </div>
      {opened ? <Branch folder={folder} /> : null}
    </li>
  )
}

function entryClass(chosen: boolean): string {
  const look = chosen
    ? 'bg-sunken font-medium text-ink'
    : 'text-ink-2 hover:bg-sunken hover:text-ink'
  return `flex min-h-7 w-full min-w-0 cursor-pointer items-center gap-1.5 rounded-md px-2 text-left text-sm ${look}`
}
