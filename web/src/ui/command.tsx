import { Check, Copy } from 'lucide-react'
import { useEffect, useState } from 'react'

const SHOWN_MS = 1600

/** A command to type, with a button that copies it. */
export function Command({ text }: { text: string }) {
  const [copied, setCopied] = useState(false)
  useEffect(() => {
    if (!copied) return undefined
    const timer = setTimeout(() => setCopied(false), SHOWN_MS)
    return () => clearTimeout(timer)
  }, [copied])
  const Icon = copied ? Check : Copy
  return (
    <div className="flex items-center gap-2 rounded-lg border border-line bg-sunken py-1 pr-1 pl-3">
      <code className="min-w-0 flex-1 text-[0.8125rem] wrap-anywhere text-ink">{text}</code>
      <button
        type="button"
        className="grid size-7 shrink-0 cursor-pointer place-items-center rounded-md text-ink-3 hover:bg-surface hover:text-ink"
        onClick={() => void navigator.clipboard.writeText(text).then(() => setCopied(true))}
      >
        <Icon aria-hidden size={14} strokeWidth={1.75} />
        <span className="sr-only">{copied ? 'Copied' : `Copy ${text}`}</span>
      </button>
    </div>
  )
}

/** What a part shows while it has nothing to show: why, and what to type next. */
export function Empty({ why, commands }: { why: string; commands: readonly string[] }) {
  return (
    <div className="flex flex-col gap-2 text-sm text-ink-2">
      <p>{why}</p>
      {commands.map((command) => (
        <Command key={command} text={command} />
      ))}
    </div>
  )
}
