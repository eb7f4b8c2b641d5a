// expect: error says: "nested too deeply"
#include __FILE__
