import type { TrashItemWire } from '#protocols/api/retention-wire'
import { bytes, count, inUtc } from '#web/ui/format.ts'

const DAY = new Intl.DateTimeFormat('en-GB', { dateStyle: 'medium' })

/** What is in the trash, deleted last first. */
export function TrashTable({
  items,
  busy,
  onRestore,
  onPurge,
}: {
  items: readonly TrashItemWire[]
  busy: boolean
  onRestore: (item: TrashItemWire) => void
  onPurge: (item: TrashItemWire) => void
}) {
  return (
    // Focus is for the keyboard, which scrolls what is wider than the page.
    <section aria-label="What was deleted" tabIndex={0} className="relative overflow-x-auto">
      <table className="w-full min-w-[44rem] text-left text-sm">
        <thead className="text-xs text-ink-3">
          <tr>
            {['Kind', 'Name', 'Deleted', 'Files', 'Size', 'Purged from'].map((name) => (
              <th key={name} scope="col" className="py-2 pr-4 font-medium">
                {name}
              </th>
            ))}
            <th scope="col" className="py-2 font-medium">
              <span className="sr-only">What to do</span>
            </th>
          </tr>
        </thead>
        <tbody>
          {items.map((item) => (
            <tr key={item.item} className="border-t border-line align-top">
              <td className="py-2 pr-4 whitespace-nowrap text-ink-2">
                {item.kind.replace('-', ' ')}
              </td>
              <th scope="row" className="py-2 pr-4 font-normal wrap-anywhere">
                {item.name === '' ? item.id : item.name}
                {item.name === '' || item.name === item.id ? null : (
                  <span className="block text-xs text-ink-3">{item.id}</span>
                )}
              </th>
              <td className="py-2 pr-4 whitespace-nowrap">
                <time dateTime={item.deleted} title={inUtc(item.deleted)}>
                  {DAY.format(new Date(item.deleted))}
                </time>
                <span className="block text-xs text-ink-3">by {item.deletedBy}</span>
              </td>
              <td className="py-2 pr-4 tabular-nums">{count(item.files)}</td>
              <td className="py-2 pr-4 whitespace-nowrap tabular-nums">{bytes(item.bytes)}</td>
              <td className="py-2 pr-4 whitespace-nowrap">
                {item.state === 'purging' ? 'Being purged' : DAY.format(new Date(item.purgeAt))}
              </td>
              <td className="py-2">
                {item.state === 'purging' ? null : (
                  <Actions item={item} busy={busy} onRestore={onRestore} onPurge={onPurge} />
                )}
              </td>
            </tr>
          ))}
        </tbody>
      </table>
    </section>
  )
}

function Actions({
  item,
  busy,
  onRestore,
  onPurge,
}: {
  item: TrashItemWire
  busy: boolean
  onRestore: (item: TrashItemWire) => void
  onPurge: (item: TrashItemWire) => void
}) {
  const look =
    'h-8 cursor-pointer rounded-lg border border-line bg-surface px-2.5 text-xs font-medium text-ink-2 hover:text-ink'
  const named = item.name === '' ? item.id : item.name
  return (
    <div className="flex justify-end gap-2">
      <button type="button" disabled={busy} className={look} onClick={() => onRestore(item)}>
        Restore<span className="sr-only"> {named}</span>
      </button>
      <button type="button" className={look} onClick={() => onPurge(item)}>
        Delete now<span className="sr-only"> {named}</span>
      </button>
    </div>
  )
}
