-- What each committer has committed last. The number of a transaction does not tell, should the server have crashed in between: what was
-- not on disk yet is lost, and with it that the number was ever given, so that another transaction gets it and commits.
create table commit_marks (
    -- One for each process: nobody else writes its row.
    committer uuid        primary key,
    mark      uuid        not null,
    at        timestamptz not null
) with (fillfactor = 50);
