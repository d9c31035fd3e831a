import { keepPreviousData, useMutation, useQuery, useQueryClient } from '@tanstack/react-query'
import type { ReactNode } from 'react'
import type { NotedVersionWire, ProfileStateWire } from '#protocols/api/data-wire'
import {
  askForProfile,
  profileDifferenceQuery,
  profileQuery,
  type DataName,
} from '#web/api/data.ts'
import { day, percent, shortened } from '#web/ui/format.ts'
import { Trouble } from '#web/ui/page.tsx'
import { Difference } from './difference.tsx'
import { Profile } from './profile.tsx'
import type { DatasetView } from './view.ts'

/** What a version holds, alone or beside another one. */
export function Look(parts: {
  name: DataName
  versions: readonly NotedVersionWire[]
  view: DatasetView & { version: string }
  onLook: (part: DatasetView) => void
}) {
  const { name, versions, view, onLook } = parts
  const { version } = view
  const old = view.old === version ? undefined : view.old
  const others = new Map(
    versions.filter((each) => each.version !== version).map((each) => [each.version, each]),
  )
  return (
    <>
      <div className="flex flex-wrap items-center gap-x-3 gap-y-2 text-sm text-ink-2">
        <span>
          Version{' '}
          <code className="text-xs text-ink" title={version}>
            {shortened(version)}
          </code>
        </span>
        {others.size === 0 && old === undefined ? null : (
          <label className="flex items-center gap-2">
            Compare with
            <select
              className="field w-auto max-w-72"
              value={old ?? ''}
              onChange={({ target }) => onLook({ old: target.value || undefined })}
            >
              <option value="">no other version</option>
              {[...others.values()].map((each) => (
                <option key={each.version} value={each.version}>
                  {labelOf(each)}
                </option>
              ))}
              {old === undefined || others.has(old) ? null : (
                <option value={old}>{shortened(old)}</option>
              )}
            </select>
          </label>
        )}
      </div>
      {old === undefined ? (
        <Alone name={name} version={version} />
      ) : (
        <Compared name={name} old={old} current={version} />
      )}
    </>
  )
}

const LABEL_CHARS = 40

function labelOf({ version, added, message }: NotedVersionWire): string {
  const subject = message?.split('\n')[0]?.slice(0, LABEL_CHARS) ?? ''
  return `${shortened(version)}, ${day(added)}${subject === '' ? '' : `: ${subject}`}`
}

function Alone({ name, version }: { name: DataName; version: string }) {
  const { data, error, isPlaceholderData } = useQuery(keeping(profileQuery(name, version)))
  if (data !== undefined && data.profile !== null)
    return (
      <Held isOld={isPlaceholderData}>
        <Profile profile={data.profile} />
      </Held>
    )
  return <NotYet key={version} name={name} version={version} found={data} error={error} />
}

function Compared({ name, old, current }: { name: DataName; old: string; current: string }) {
  const before = useQuery(keeping(profileQuery(name, old)))
  const now = useQuery(keeping(profileQuery(name, current)))
  const areReady = before.data?.state === 'ready' && now.data?.state === 'ready'
  const isOld = before.isPlaceholderData || now.isPlaceholderData
  const { data, error, isPlaceholderData } = useQuery({
    ...keeping(profileDifferenceQuery(name, { old, new: current })),
    enabled: areReady && !isOld,
  })
  if (areReady)
    return data === undefined ? (
      <Still error={error}>Comparing…</Still>
    ) : (
      <Held isOld={isOld || isPlaceholderData}>
        <Difference difference={data} />
      </Held>
    )
  return [
    { version: old, asked: before },
    { version: current, asked: now },
  ]
    .filter(({ asked }) => asked.data?.state !== 'ready')
    .map(({ version, asked }) => (
      <NotYet key={version} name={name} version={version} found={asked.data} error={asked.error} />
    ))
}

/** What is there stays until the next is: nothing jumps. */
function keeping<Options extends object>(options: Options) {
  return { ...options, placeholderData: keepPreviousData }
}

function Held({ isOld, children }: { isOld: boolean; children: ReactNode }) {
  return (
    <div aria-busy={isOld} className={`flex flex-col gap-4 ${isOld ? 'opacity-60' : ''}`}>
      {children}
    </div>
  )
}

/** Why there is no profile to see, and the way to one. */
function NotYet(parts: {
  name: DataName
  version: string
  found: ProfileStateWire | undefined
  error: Error | null
}) {
  const { name, version, found, error } = parts
  const client = useQueryClient()
  const asking = useMutation({
    mutationFn: () => askForProfile(name, version),
    onSuccess: (state) => {
      client.setQueryData(profileQuery(name, version).queryKey, state)
    },
  })
  if (found === undefined) return <Still error={error}>Asking the server…</Still>
  if (found.state === 'waiting' || found.state === 'running')
    return (
      <Still error={null}>
        {`Looking into ${shortened(version)}…${found.progress === null ? '' : ` ${percent(found.progress)}`}`}
      </Still>
    )
  const isFailed = found.state === 'failed'
  return (
    <div className="flex min-h-24 flex-col items-start gap-3">
      {isFailed ? (
        <Trouble error={new Error(found.reason ?? 'It could not be looked into.')} />
      ) : (
        <p className="text-sm text-ink-2">
          Nobody has looked into {shortened(version)} yet. Its bytes are fetched from the project’s
          remote where they are not here.
        </p>
      )}
      <Trouble error={asking.error} />
      <button
        type="button"
        className="button"
        disabled={asking.isPending}
        onClick={() => asking.mutate()}
      >
        {isFailed ? 'Try again' : `Profile ${shortened(version)}`}
      </button>
    </div>
  )
}

function Still({ error, children }: { error: Error | null; children: string }) {
  return (
    <div className="min-h-24">
      <Trouble error={error} />
      {error === null ? <output className="text-sm text-ink-3">{children}</output> : null}
    </div>
  )
}
