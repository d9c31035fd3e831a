import { Check, Copy } from 'lucide-react'
import { useEffect, useState } from 'react'

const SHOWN_MS = 1600

/** Copies a text; `of` names it to those who do not see it. */
export function CopyButton({ text, of, words }: { text: string; of: string; words?: string }) {
  const [copied, setCopied] = useState(false)
  useEffect(() => {
    if (!copied) return undefined
    const timer = setTimeout(() => setCopied(false), SHOWN_MS)
    return () => clearTimeout(timer)
  }, [copied])
  const Icon = copied ? Check : Copy
  const look =
    words === undefined
      ? 'grid size-7 shrink-0 cursor-pointer place-items-center rounded-md text-ink-3 hover:bg-surface hover:text-ink'
      : 'button'
  return (
    <button
      type="button"
      className={look}
      onClick={() => void navigator.clipboard.writeText(text).then(() => setCopied(true))}
    >
      <Icon aria-hidden size={14} strokeWidth={1.75} />
      {words === undefined ? (
        <span className="sr-only">{copied ? 'Copied' : `Copy ${of}`}</span>
      ) : copied ? (
        'Copied'
      ) : (
        words
      )}
    </button>
  )
}
