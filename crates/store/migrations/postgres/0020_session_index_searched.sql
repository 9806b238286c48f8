-- A logout request that omits parts of the name finds sessions by their session index. The hash keeps the entry short.
CREATE INDEX vouchsafe_sessions_by_session_index
    ON vouchsafe_sessions (connection, (hashtextextended(session_indexes[1], 0)));
CREATE INDEX vouchsafe_sessions_of_several ON vouchsafe_sessions (connection)
    WHERE cardinality(session_indexes) > 1;
