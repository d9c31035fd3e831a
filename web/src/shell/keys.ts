import { useNavigate } from '@tanstack/react-router'
import { useEffect, useEffectEvent } from 'react'

/** Where `g` and a letter lead. */
export const PLACES = {
  h: { to: '/', words: 'Home' },
  a: { to: '/data', words: 'Data' },
  p: { to: '/pipelines', words: 'Pipelines' },
  r: { to: '/runs', words: 'Experiments' },
  m: { to: '/models', words: 'Models' },
  e: { to: '/endpoints', words: 'Endpoints' },
  w: { to: '/alerts', words: 'Alerts' },
  l: { to: '/policies', words: 'Policies' },
  t: { to: '/traces', words: 'Traces' },
  s: { to: '/settings', words: 'Settings' },
} as const

const SWITCH = 'orrery-keys'
const SEQUENCE_MS = 1500

/** Keys without Ctrl or Cmd disturb some ways of typing and speaking: they can be turned off. */
export function singleKeysAreOn(): boolean {
  return localStorage.getItem(SWITCH) !== 'off'
}

export function turnSingleKeys(on: boolean): void {
  if (on) localStorage.removeItem(SWITCH)
  else localStorage.setItem(SWITCH, 'off')
}

/** The keys that work on every page. What a page does itself with a key, it keeps from here. */
export function useKeys({ goTo, help }: { goTo: () => void; help: () => void }): void {
  const navigate = useNavigate()
  const onKey = useEffectEvent((event: KeyboardEvent, after: string) => {
    if (event.defaultPrevented) return ''
    if ((event.metaKey || event.ctrlKey) && event.key.toLowerCase() === 'k') {
      event.preventDefault()
      goTo()
      return ''
    }
    if (event.metaKey || event.ctrlKey || event.altKey) return ''
    if (document.querySelector('dialog[open]') !== null) return ''
    if (event.key === 'Escape') leave(event)
    if (isTyping(event.target) || !singleKeysAreOn()) return ''
    const place = after === 'g' ? PLACES[event.key as keyof typeof PLACES] : undefined
    if (place !== undefined) void navigate({ to: place.to, search: {} })
    else if (event.key === '/') focusFilter(event)
    else if (event.key === '?') help()
    else if (event.key === 'j') walk(1)
    else if (event.key === 'k') walk(-1)
    return event.key
  })
  useEffect(() => {
    let last = { key: '', at: 0 }
    const listen = (event: KeyboardEvent) => {
      const after = event.timeStamp - last.at < SEQUENCE_MS ? last.key : ''
      last = { key: onKey(event, after), at: event.timeStamp }
    }
    document.addEventListener('keydown', listen)
    return () => document.removeEventListener('keydown', listen)
  }, [])
}

function isTyping(target: EventTarget | null): boolean {
  if (target instanceof HTMLInputElement)
    return !['checkbox', 'radio', 'range'].includes(target.type)
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement
}

function focusFilter(event: KeyboardEvent): void {
  const filter = document.querySelector<HTMLElement>('[data-filter]')
  if (filter === null) return
  event.preventDefault()
  filter.focus()
}

/** Out of a field, out of a menu, or to the page above. */
function leave({ target }: KeyboardEvent): void {
  const menu = [...document.querySelectorAll<HTMLDetailsElement>('details[open]')].find(
    (each) => each.querySelector('.menu') !== null,
  )
  if (menu !== undefined) {
    menu.open = false
    menu.querySelector('summary')?.focus()
  } else if (isTyping(target) && target instanceof HTMLElement) target.blur()
  else document.querySelector<HTMLElement>('[data-up]')?.click()
}

/** To the next or the last row of what the page lists. */
function walk(step: 1 | -1): void {
  const rows = [...document.querySelectorAll<HTMLElement>('[data-row]')]
  const at = rows.findIndex((row) => row.closest('tr, li')?.contains(document.activeElement))
  rows[at === -1 ? 0 : Math.min(rows.length - 1, Math.max(0, at + step))]?.focus()
}
