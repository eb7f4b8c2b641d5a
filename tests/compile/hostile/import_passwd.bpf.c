// expect: error says: "passwd"
#import "/etc/passwd"
