import { OUTLINES, type Shape } from './marks.ts'

/** A mark of the chart beside the words that explain it. */
export function ShapeIcon({ shape, className }: { shape: Shape; className: string }) {
  const { path, filled } = OUTLINES[shape]
  return (
    <svg aria-hidden viewBox="-6 -6 12 12" className={`size-3 shrink-0 ${className}`}>
      <path
        d={path}
        fill={filled ? 'currentColor' : 'none'}
        stroke={filled ? 'none' : 'currentColor'}
        strokeWidth={2}
      />
    </svg>
  )
}
