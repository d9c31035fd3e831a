export function Logo() {
  return (
    <svg aria-hidden viewBox="0 0 32 32" className="size-6 shrink-0">
      <ellipse
        cx="16"
        cy="16"
        rx="13"
        ry="7"
        fill="none"
        stroke="var(--accent)"
        strokeWidth="2"
        transform="rotate(-20 16 16)"
      />
      <circle cx="16" cy="16" r="4" fill="var(--chart-drift-over)" />
      <circle cx="27.6" cy="10.2" r="3" fill="var(--accent)" />
    </svg>
  )
}
