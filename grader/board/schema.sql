-- Each start runs this. Two boards may start at once in one database.
SELECT pg_advisory_xact_lock(5309);

CREATE SCHEMA IF NOT EXISTS board;

-- A learner, and the exercise of their latest report.
CREATE TABLE IF NOT EXISTS board.learner (
    id uuid PRIMARY KEY,
    name text,
    lesson text,
    exercise int,
    graded_at timestamptz,          -- by the learner's clock: it orders their reports
    seen timestamptz                -- by the board's clock, as are all others below
);

-- Every report, as it came. A repeated one has the same id.
CREATE TABLE IF NOT EXISTS board.report (
    id uuid PRIMARY KEY,
    learner uuid NOT NULL REFERENCES board.learner,
    received timestamptz NOT NULL,
    body text NOT NULL              -- JSON
);

-- How a learner does in an exercise, by the latest report on it.
CREATE TABLE IF NOT EXISTS board.standing (
    learner uuid NOT NULL REFERENCES board.learner,
    lesson text NOT NULL,
    exercise int NOT NULL,
    status text NOT NULL,
    reason text NOT NULL,           -- of a failure: the id of the likeliest diagnosis, if any
    code text,                      -- JSON, from those who send it
    graded_at timestamptz NOT NULL,
    since timestamptz NOT NULL,     -- when it came to this status, for this reason
    seen timestamptz NOT NULL,
    PRIMARY KEY (learner, lesson, exercise)
);
