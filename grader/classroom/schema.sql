CREATE TABLE run (
    id INTEGER PRIMARY KEY,
    began TEXT NOT NULL,
    submissions TEXT NOT NULL,
    seed INTEGER NOT NULL,
    kit TEXT NOT NULL
);

CREATE TABLE student (
    key TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    email TEXT NOT NULL,
    number TEXT NOT NULL,
    list_row TEXT NOT NULL  -- JSON: the row of the list of names
);

-- The verdict on one text. Two students with the same text share it.
CREATE TABLE report (
    id INTEGER PRIMARY KEY,
    lesson TEXT NOT NULL,
    digest TEXT NOT NULL,
    kit TEXT NOT NULL,
    course TEXT NOT NULL,
    is_final INTEGER NOT NULL,  -- 0 where the grader broke: it is tried again
    source BLOB NOT NULL,       -- compressed by zlib, as is the next
    body BLOB NOT NULL          -- JSON
);
CREATE INDEX report_by_content ON report (lesson, digest, kit, course);

-- A student's work, as it was graded in a run; every one is kept.
CREATE TABLE attempt (
    id INTEGER PRIMARY KEY,
    run INTEGER NOT NULL REFERENCES run,
    student TEXT NOT NULL REFERENCES student,
    lesson TEXT NOT NULL,
    digest TEXT NOT NULL,       -- of the content; empty where it could not be read
    file TEXT NOT NULL,
    submitted TEXT,
    is_late INTEGER NOT NULL,
    problem TEXT NOT NULL,      -- why there is no report
    report INTEGER REFERENCES report
);
CREATE INDEX attempt_by_student ON attempt (lesson, student);
